/*
 * clock.h
 *		The clock that operations go by.
 */
#pragma once

#include "utils/timestamp.h"

#include "guc.h"

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
