/*
 * transfers.h
 *		The member "transfers" of a batch: an array of objects becomes four arrays of PostgreSQL.
 */
#pragma once

#include "endpoint/endpoint.h"

/* from_wallet_ids uuid[], to_wallet_ids uuid[], amounts numeric[], idempotency_keys text[]. */
#define TRANSFERS_VALUE_COUNT 4

/* EndpointParse; the reason names the index, from 1. */
const char *transfers_parse(const EndpointInput *input, char **values);
