/*
 * test_backoff.c
 *		Pauses double up to the bound, stay in their range, differ by seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assert_within.h"
#include "base/backoff.h"

static void
test_doubles_within_bounds(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		Backoff backoff = backoff_begin(100, 30000, seed);

		for (int64_t bound = 100, i = 0; i < 40; i++)
		{
			int64_t pause = backoff_next_ms(&backoff);

			assert_within(pause, bound / 2, bound);
			bound = bound * 2 > 30000 ? 30000 : bound * 2;
		}
	}
}

static void
test_reset_is_short_again(void **state)
{
	Backoff backoff = backoff_begin(100, 30000, 1);

	(void) state;
	for (int i = 0; i < 20; i++)
		backoff_next_ms(&backoff);
	backoff_reset(&backoff);
	assert_within(backoff_next_ms(&backoff), 50, 100);
}

static void
test_seed_decides(void **state)
{
	Backoff one = backoff_begin(1000, 60000, 7);
	Backoff same = backoff_begin(1000, 60000, 7);
	Backoff other = backoff_begin(1000, 60000, 8);
	int differences = 0;

	(void) state;
	for (int i = 0; i < 10; i++)
	{
		int64_t pause = backoff_next_ms(&one);

		assert_int_equal(pause, backoff_next_ms(&same));
		differences += pause != backoff_next_ms(&other);
	}
	assert_within(differences, 5, 10);
}

static void
test_extremes(void **state)
{
	Backoff smallest = backoff_begin(1, 1, 3);
	Backoff largest = backoff_begin(INT64_MAX, INT64_MAX, 3);

	(void) state;
	for (int i = 0; i < 10; i++)
	{
		assert_within(backoff_next_ms(&smallest), 0, 1);
		assert_true(backoff_next_ms(&largest) >= INT64_MAX / 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles_within_bounds),
		cmocka_unit_test(test_reset_is_short_again),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
