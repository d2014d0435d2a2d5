/*
 * wait.c
 *		poll(2) with a deadline that survives interruptions and a stop fd beside it.
 */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"

Wait
wait_begin(int stop_fd, int64_t timeout_ms)
{
	return (Wait){
		.stop_fd = stop_fd,
		.deadline_ms = timeout_ms < 0 ? WAIT_FOREVER : clock_monotonic_ms() + timeout_ms,
	};
}

int64_t
wait_remaining_ms(const Wait *wait)
{
	if (wait->deadline_ms < 0)
		return WAIT_FOREVER;

	int64_t remaining = wait->deadline_ms - clock_monotonic_ms();

	return remaining > 0 ? remaining : 0;
}

int
wait_slice_ms(const Wait *wait, int slice_ms)
{
	int64_t remaining = wait_remaining_ms(wait);

	return remaining < 0 || remaining > slice_ms ? slice_ms : (int) remaining;
}

WaitResult
wait_for_fd(const Wait *wait, int fd, short events)
{
	/* poll() leaves out entries whose fd is negative. */
	struct pollfd polled[] = {
		{.fd = fd, .events = events},
		{.fd = wait->stop_fd, .events = POLLIN},
	};

	for (;;)
	{
		int64_t remaining = wait_remaining_ms(wait);
		int ready = poll(polled, 2, remaining < 0 ? -1 : wait_slice_ms(wait, INT_MAX));

		/* The stop comes first: a peer that is always ready must not hide it. */
		if (ready > 0 && polled[1].revents != 0)
			return WAIT_STOPPED;
		if (ready > 0)
			return WAIT_READY;
		if (ready < 0 && errno != EINTR)
			return WAIT_READY; /* the caller's next call on fd reports what is wrong with it */
		if (remaining >= 0 && wait_remaining_ms(wait) == 0)
			return WAIT_TIMED_OUT;
	}
}

bool
wait_is_stopped(int stop_fd)
{
	Wait now = {.stop_fd = stop_fd, .deadline_ms = 0};

	return wait_for_fd(&now, -1, 0) == WAIT_STOPPED;
}

bool
wait_pause(int stop_fd, int64_t pause_ms)
{
	Wait wait = wait_begin(stop_fd, pause_ms < 0 ? 0 : pause_ms);

	return wait_for_fd(&wait, -1, 0) != WAIT_STOPPED;
}

Status
wait_status(WaitResult result, const char *what)
{
	switch (result)
	{
		case WAIT_READY:
			break;
		case WAIT_STOPPED:
			return status_retry("%s: stop requested", what);
		case WAIT_TIMED_OUT:
			return status_retry("%s: timed out", what);
	}
	return status_ok();
}
