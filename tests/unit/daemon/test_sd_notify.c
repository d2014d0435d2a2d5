/*
 * test_sd_notify.c
 *		Datagrams as the service manager receives them, by path and by abstract name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/sd_notify.h"

/* A socket bound to name, as the service manager's; @ begins an abstract one. */
static int
manager_bind(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *) &address,
						  (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name))),
					 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
assert_received(int fd, const char *message)
{
	char text[512];
	ssize_t bytes = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(bytes >= 0);
	text[bytes] = '\0';
	assert_string_equal(text, message);
}

static void
send_and_expect(const char *name)
{
	int fd = manager_bind(name);
	char longest[600];

	sd_notify_ready();
	assert_received(fd, "READY=1");
	sd_notify_status("lag %d\nWATCHDOG=1", 5);
	assert_received(fd, "STATUS=lag 5 WATCHDOG=1");
	sd_notify_watchdog();
	assert_received(fd, "WATCHDOG=1");
	sd_notify_stopping();
	assert_received(fd, "STOPPING=1");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	sd_notify_status("%s", longest);
	assert_int_equal(recv(fd, longest, sizeof(longest), 0), 255);
	close(fd);
	/* Nobody there any more: nothing happens. */
	sd_notify_ready();
}

static void
test_path_and_abstract_name(void **state)
{
	char path[64];
	char name[64];

	(void) state;
	snprintf(path, sizeof(path), "/tmp/test_sd_notify.%d", (int) getpid());
	snprintf(name, sizeof(name), "@test_sd_notify.%d", (int) getpid());
	send_and_expect(path);
	unlink(path);
	send_and_expect(name);
	unsetenv("NOTIFY_SOCKET");
	sd_notify_ready();
	setenv("NOTIFY_SOCKET", "relative", 1);
	sd_notify_ready();
}

static void
test_watchdog_interval(void **state)
{
	char pid[32];

	(void) state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(sd_notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "10000000", 1);
	assert_int_equal(sd_notify_watchdog_ms(), 5000);
	setenv("WATCHDOG_USEC", "100", 1);
	assert_int_equal(sd_notify_watchdog_ms(), 1);
	setenv("WATCHDOG_USEC", "rubbish", 1);
	assert_int_equal(sd_notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "10000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(sd_notify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%d", (int) getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(sd_notify_watchdog_ms(), 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_and_abstract_name),
		cmocka_unit_test(test_watchdog_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
