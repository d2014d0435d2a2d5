/*
 * test_signals.c
 *		TERM stops, a second one kills, HUP reloads, PIPE is ignored: each in a child of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/signals.h"

static bool
is_readable(int fd, int timeout_ms)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return poll(&polled, 1, timeout_ms) == 1;
}

/* Runs what in a child and returns its wait status; the child exits with what's result. */
static int
child_run(int (*what)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
	{
		Status started = signals_start();

		_exit(status_is_ok(&started) ? what() : 99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
assert_child_exits_0(int (*what)(void))
{
	int status = child_run(what);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
stop_by_term(void)
{
	if (signals_stop_requested() || is_readable(signals_stop_fd(), 0))
		return 1;
	raise(SIGTERM);
	if (!signals_stop_requested() || !is_readable(signals_stop_fd(), 0))
		return 2;
	/* Nobody reads it: it stays so. */
	return is_readable(signals_stop_fd(), 0) ? 0 : 3;
}

static int
stop_by_int(void)
{
	raise(SIGINT);
	return signals_stop_requested() ? 0 : 1;
}

static int
stop_twice(void)
{
	raise(SIGTERM);
	raise(SIGTERM);
	return 5;
}

static int
stop_from_within(void)
{
	signals_stop_request();
	return signals_stop_requested() && is_readable(signals_stop_fd(), 0) ? 0 : 1;
}

static int
reload_by_hup(void)
{
	if (signals_reload_take() || is_readable(signals_reload_fd(), 0))
		return 1;
	raise(SIGHUP);
	raise(SIGHUP);
	if (!is_readable(signals_reload_fd(), 0) || !signals_reload_take())
		return 2;
	if (signals_reload_take() || signals_stop_requested())
		return 3;
	return 0;
}

static int
write_to_closed_pipe(void)
{
	int ends[2];

	if (pipe(ends) != 0)
		return 1;
	close(ends[0]);
	return write(ends[1], "x", 1) < 0 ? 0 : 2;
}

static void
test_stop(void **state)
{
	(void) state;
	assert_child_exits_0(stop_by_term);
	assert_child_exits_0(stop_by_int);
	assert_child_exits_0(stop_from_within);
}

static void
test_second_term_kills(void **state)
{
	int status = child_run(stop_twice);

	(void) state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void
test_reload(void **state)
{
	(void) state;
	assert_child_exits_0(reload_by_hup);
}

static void
test_pipe_is_ignored(void **state)
{
	(void) state;
	assert_child_exits_0(write_to_closed_pipe);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_second_term_kills),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_pipe_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
