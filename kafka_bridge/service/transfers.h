/*
 * transfers.h
 *		The member "transfers" of a batch, and "legs" of a posting: an array of objects becomes
 *		arrays of PostgreSQL, one for each member. Single transfers that go together.
 */
#pragma once

#include <stdbool.h>

#include "endpoint/endpoint.h"

/* from_wallet_ids uuid[], to_wallet_ids uuid[], amounts numeric[], idempotency_keys text[]. */
#define TRANSFERS_VALUE_COUNT 4

/* Of legs, the same without keys. */
#define LEGS_VALUE_COUNT 3

/* EndpointParse; the reason names the index, from 1. */
const char *transfers_parse(const EndpointInput *input, char **values);
const char *legs_parse(const EndpointInput *input, char **values);

/*
 * Of the values of a single transfer (payer, payee, amount, key, version, metadata): whether an
 * array of such can be read by PostgreSQL, whatever it thinks of the transfer itself. Pure.
 */
bool transfer_can_join(const char *const *values);
