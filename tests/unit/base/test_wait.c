/*
 * test_wait.c
 *		Waits end by readiness, by the stop fd, or by the deadline, whichever comes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "assert_within.h"
#include "base/clock.h"
#include "base/wait.h"

static int stop_pipe[2];
static int data_pipe[2];

static int
test_begin(void **state)
{
	(void) state;
	return pipe(stop_pipe) != 0 || pipe(data_pipe) != 0;
}

static int
test_end(void **state)
{
	(void) state;
	close(stop_pipe[0]);
	close(stop_pipe[1]);
	close(data_pipe[0]);
	close(data_pipe[1]);
	return 0;
}

static void
test_ready_stopped_timed_out(void **state)
{
	Wait wait = wait_begin(stop_pipe[0], 30000);
	Wait brief = wait_begin(stop_pipe[0], 20);
	int64_t began_ms = clock_monotonic_ms();

	(void) state;
	assert_int_equal(wait_for_fd(&brief, data_pipe[0], POLLIN), WAIT_TIMED_OUT);
	assert_true(clock_monotonic_ms() - began_ms >= 20);
	assert_int_equal(wait_remaining_ms(&brief), 0);
	assert_int_equal(write(data_pipe[1], "x", 1), 1);
	assert_int_equal(wait_for_fd(&wait, data_pipe[0], POLLIN), WAIT_READY);
	/* Ready counts even when the time is over. */
	assert_int_equal(wait_for_fd(&brief, data_pipe[0], POLLIN), WAIT_READY);
	assert_int_equal(write(stop_pipe[1], "x", 1), 1);
	assert_int_equal(wait_for_fd(&wait, data_pipe[0], POLLIN), WAIT_STOPPED);
}

static void
test_without_stop_and_without_fd(void **state)
{
	Wait wait = wait_begin(-1, 5);

	(void) state;
	assert_int_equal(wait_for_fd(&wait, -1, 0), WAIT_TIMED_OUT);
	wait = wait_begin(-1, WAIT_FOREVER);
	assert_int_equal(wait_remaining_ms(&wait), WAIT_FOREVER);
	assert_int_equal(wait_slice_ms(&wait, 200), 200);
	wait = wait_begin(-1, 100000);
	assert_int_equal(wait_slice_ms(&wait, 200), 200);
	assert_within(wait_slice_ms(&wait, INT_MAX), 90000, 100000);
	wait = wait_begin(-1, 0);
	assert_int_equal(wait_slice_ms(&wait, 200), 0);
}

static void
test_pause(void **state)
{
	(void) state;
	assert_true(wait_pause(stop_pipe[0], 1));
	assert_true(wait_pause(stop_pipe[0], -5));
	assert_int_equal(write(stop_pipe[1], "x", 1), 1);
	assert_false(wait_pause(stop_pipe[0], 600000));
}

static void
signal_ignore(int number)
{
	(void) number;
}

static void
test_interruptions_do_not_end_it(void **state)
{
	const struct sigaction action = {.sa_handler = signal_ignore};
	const struct itimerval often = {.it_interval.tv_usec = 3000, .it_value.tv_usec = 3000};
	const struct itimerval never = {0};
	Wait wait = wait_begin(stop_pipe[0], 60);
	int64_t began_ms = clock_monotonic_ms();

	(void) state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(wait_for_fd(&wait, data_pipe[0], POLLIN), WAIT_TIMED_OUT);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_within(clock_monotonic_ms() - began_ms, 60, 30000);
}

static void
test_status_of_a_result(void **state)
{
	Status stopped = wait_status(WAIT_STOPPED, "asking");
	Status timed_out = wait_status(WAIT_TIMED_OUT, "asking");
	Status ready = wait_status(WAIT_READY, "asking");

	(void) state;
	assert_int_equal(stopped.class, STATUS_RETRY);
	assert_string_equal(stopped.text, "asking: stop requested");
	assert_string_equal(timed_out.text, "asking: timed out");
	assert_true(status_is_ok(&ready));
}

int
main(void)
{
#define WAIT_TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)
	const struct CMUnitTest tests[] = {
		WAIT_TEST(test_ready_stopped_timed_out),
		WAIT_TEST(test_without_stop_and_without_fd),
		WAIT_TEST(test_pause),
		WAIT_TEST(test_interruptions_do_not_end_it),
		WAIT_TEST(test_status_of_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
