/*
 * signals.c
 *		Handlers that set a flag and write an eventfd, nothing else.
 *
 * Both fds are made once and live as long as the process. Handlers may run in any thread at any
 * point: only async-signal-safe calls and lock-free atomics here.
 */
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int stop_fd = -1;
static int reload_fd = -1;
static atomic_bool stop_requested;

static void
event_fd_raise(int fd)
{
	uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof(one));

	(void) written; /* the counter of an eventfd can't fill up in a process' life */
}

static void
stop_handle(int signal_number)
{
	int saved_errno = errno;

	if (atomic_exchange(&stop_requested, true))
	{
		/* Asked twice: end as an uncaught signal would, once this handler returns. */
		signal(signal_number, SIG_DFL);
		raise(signal_number);
	}
	event_fd_raise(stop_fd);
	errno = saved_errno;
}

static void
reload_handle(int signal_number)
{
	int saved_errno = errno;

	(void) signal_number;
	event_fd_raise(reload_fd);
	errno = saved_errno;
}

static Status
handler_set(int signal_number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	if (sigaction(signal_number, &action, NULL) != 0)
		return status_bug("cannot handle signal %d: %s", signal_number, strerror(errno));
	return status_ok();
}

Status
signals_start(void)
{
	static const struct
	{
		int number;
		void (*handler)(int);
	} handled[] = {
		{SIGTERM, stop_handle},
		{SIGINT, stop_handle},
		{SIGHUP, reload_handle},
		{SIGPIPE, SIG_IGN},
	};

	if (stop_fd < 0)
		stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reload_fd < 0)
		reload_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0 || reload_fd < 0)
		return status_bug("cannot make an eventfd: %s", strerror(errno));

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
	{
		Status status = handler_set(handled[i].number, handled[i].handler);

		if (!status_is_ok(&status))
			return status;
	}
	return status_ok();
}

int
signals_stop_fd(void)
{
	return stop_fd;
}

bool
signals_stop_requested(void)
{
	return atomic_load(&stop_requested);
}

void
signals_stop_request(void)
{
	/* Not counted as a first TERM: one TERM afterwards must still be harmless. */
	event_fd_raise(stop_fd);
	atomic_store(&stop_requested, true);
}

int
signals_reload_fd(void)
{
	return reload_fd;
}

bool
signals_reload_take(void)
{
	uint64_t count = 0;

	return read(reload_fd, &count, sizeof(count)) == (ssize_t) sizeof(count);
}
