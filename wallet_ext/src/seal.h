/*
 * seal.h
 *		The seal of an entry, as a value; what it is made of stands in seal_chain.h.
 */
#pragma once

#include "fmgr.h"

#define SEAL_BYTES 32

/* Without present all bytes are 0. */
typedef struct Seal
{
	bool present;
	uint8 bytes[SEAL_BYTES];
} Seal;

/* A seal in a column of bytea that may be NULL. */
extern Seal seal_from_column(bool is_null, Datum value);
extern Datum seal_to_column(const Seal *seal);

extern bool seal_equal(const Seal *left, const Seal *right);

/* The seal in hexadecimal digits, as a text; a missing one is NULL. */
extern Datum seal_print(const Seal *seal, bool *is_null);
