/*
 * json_value.h
 *		Values in the form the event has them: written by hand, without allocation.
 *
 * The put functions write at the cursor, where the caller has made room, and return the cursor
 * after what they wrote; NULL where the value has no such form, and then nothing counts that they
 * wrote. None of them raises.
 */
#pragma once

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* The longest an amount and a time get, without quotes. */
#define AMOUNT_TEXT_BYTES_MAX 21 /* -999999999999999.9999 */
#define TIME_TEXT_BYTES		  27 /* 2026-01-31T23:59:59.123456Z */

/* The longest a byte of a string gets: \u001f. */
#define STRING_ESCAPE_BYTES 6

static inline char *
bytes_put(char *at, const char *bytes, size_t count)
{
	memcpy(at, bytes, count);
	return at + count;
}

#define LITERAL_PUT(at, literal) bytes_put((at), "" literal "", sizeof(literal) - 1)

/* The 36 characters of a UUID. */
extern char *uuid_put(char *at, const unsigned char uuid[UUID_LEN]);

/* A numeric(19,4) with exactly 4 decimals; NULL for NaN, infinity and anything wider or finer. */
extern char *amount_put(char *at, Datum numeric);

/* RFC 3339 has the years 1 to 9999, of which PostgreSQL's own epoch is 2000-01-01. */
static inline bool
time_is_in_range(TimestampTz time)
{
	return time >= INT64CONST(-730119) * USECS_PER_DAY &&
		   time < INT64CONST(2921940) * USECS_PER_DAY;
}

/* RFC 3339 in UTC with microseconds and Z; NULL where the time is not in range. */
extern char *time_put(char *at, TimestampTz time);

/* A JSON string with its quotes: at most count * STRING_ESCAPE_BYTES + 2 bytes. */
extern char *string_put(char *at, const char *bytes, size_t count);

/*
 * Appends the jsonb as PostgreSQL prints it, as long as the buffer stays within bytes_max; false
 * where it would not. Allocates in the current context.
 */
extern bool jsonb_append(StringInfo out, Jsonb *jsonb, size_t bytes_max);
