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
