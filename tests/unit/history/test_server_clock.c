/*
 * test_server_clock.c
 *		Whatever this machine's wall clock says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "history/server_clock.h"

#define HOUR_US INT64_C(3600000000)

static void
test_wall_clock_until_told(void **state)
{
	ServerClock clock = {.told_us = 0};

	(void) state;
	assert_true(server_clock_now(&clock, 50, 7000) == 7000);
}

static void
test_wall_clock_may_jump(void **state)
{
	ServerClock clock = {.told_us = 0};

	(void) state;
	server_clock_tell(&clock, 10 * HOUR_US, 100);
	assert_true(server_clock_now(&clock, 100 + 5, 2 * HOUR_US) == 10 * HOUR_US + 5);
	assert_true(server_clock_now(&clock, 100 + HOUR_US, 99 * HOUR_US) == 11 * HOUR_US);
	server_clock_tell(&clock, 3 * HOUR_US, 200);
	assert_true(server_clock_now(&clock, 201, 0) == 3 * HOUR_US + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wall_clock_until_told),
		cmocka_unit_test(test_wall_clock_may_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
