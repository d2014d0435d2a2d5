/*
 * test_linger.c
 *		When records are sent at once, and when they wait for company.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/linger.h"

/* How many of count records, one each interval_us, are sent at once. */
static int
hurried(Linger *linger, int64_t from_us, int64_t interval_us, int count)
{
	int hurried = 0;

	for (int i = 0; i < count; i++)
		hurried += linger_is_over(linger, from_us + i * interval_us);
	return hurried;
}

static void
test_seldom_is_at_once(void **state)
{
	(void) state;

	Linger linger = {0};

	assert_int_equal(hurried(&linger, 1000000000, 20000, 1000), 1000);
	assert_int_equal(hurried(&linger, 2000000000, 5000, 1000), 1000);
}

static void
test_often_waits(void **state)
{
	(void) state;

	Linger linger = {0};

	assert_int_equal(hurried(&linger, 1000000000, 333, 30000), 10);
}

static void
test_rest_ends_it(void **state)
{
	(void) state;

	Linger linger = {0};

	assert_int_equal(hurried(&linger, 1000000000, 100, 2000), 10);
	assert_true(linger_is_over(&linger, 1000240000));
	/* A clock that was set back is a rest, not a load. */
	assert_int_equal(hurried(&linger, 1000300000, 100, 2000), 10);
	assert_true(linger_is_over(&linger, 1000100000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seldom_is_at_once),
		cmocka_unit_test(test_often_waits),
		cmocka_unit_test(test_rest_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
