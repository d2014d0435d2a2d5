/*
 * assert_within.h
 *		assert_within(value, low, high): cmocka 2 deprecates the name that cmocka 1 has for it.
 *
 * To be included after cmocka.h.
 */
#pragma once

#ifdef assert_int_in_range
#define assert_within assert_int_in_range
#else
#define assert_within assert_in_range
#endif
