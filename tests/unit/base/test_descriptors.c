/*
 * test_descriptors.c
 *		The limit of open files is raised as far as it may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/descriptors.h"

static int64_t
soft_limit(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	return (int64_t) limit.rlim_cur;
}

/* The hard limit comes down for good: this test is a process of its own, and has no other. */
static void
test_raised_up_to_the_hard_limit(void **state)
{
	const struct rlimit limit = {.rlim_cur = 64, .rlim_max = 256};

	(void) state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(descriptors_raise(32), 64);
	assert_int_equal(soft_limit(), 64);
	assert_int_equal(descriptors_raise(200), 200);
	assert_int_equal(soft_limit(), 200);
	assert_int_equal(descriptors_raise(5000), 256);
	assert_int_equal(soft_limit(), 256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raised_up_to_the_hard_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
