/*
 * clock.h
 *		The clock that operations go by.
 */
#pragma once

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "guc.h"

/* The year 10000 in UTC: RFC 3339, which events are written in, has no such years. */
#define CLOCK_END ((TimestampTz) (date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY)

/* Now. In a build with WALLET_TESTING as far ahead as wallet.test_clock_offset says. */
static inline TimestampTz
clock_read(void)
{
#ifdef WALLET_TESTING
	return GetCurrentTimestamp() + (int64) guc_test_clock_offset * 1000;
#else
	return GetCurrentTimestamp();
#endif
}
