/*
 * uuid7.h
 *		UUID version 7 (RFC 9562, 5.7 with the sub-millisecond time of method 3 in 6.2).
 */
#pragma once

#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Makes an id whose 60 time bits are `at`: 48 bits of milliseconds since 1970 and 12 bits of the
 * fraction of a millisecond in 1/4096, so that ids of different microseconds sort by time. The
 * other 62 bits are random. */
extern void uuid7_make(TimestampTz at, pg_uuid_t *id);

/* The lowest id of the millisecond in which `at` lies, and of the one after it; false where no id
 * has such a time. */
extern bool uuid7_lowest(TimestampTz at, pg_uuid_t *id);
extern bool uuid7_lowest_after(TimestampTz at, pg_uuid_t *id);

/* The end of the millisecond in which the id was made. */
extern TimestampTz uuid7_end_of_millisecond(const pg_uuid_t *id);
