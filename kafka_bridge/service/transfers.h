/*
 * transfers.h
 *		The member "transfers" of a batch, and "legs" of a posting: an array of objects becomes
 *		arrays of PostgreSQL, one for each member.
 */
#pragma once

#include "endpoint/endpoint.h"

/* from_wallet_ids uuid[], to_wallet_ids uuid[], amounts numeric[], idempotency_keys text[]. */
#define TRANSFERS_VALUE_COUNT 4

/* Of legs, the same without keys. */
#define LEGS_VALUE_COUNT 3

/* EndpointParse; the reason names the index, from 1. */
const char *transfers_parse(const EndpointInput *input, char **values);
const char *legs_parse(const EndpointInput *input, char **values);
