/*
 * sd_notify.c
 *		systemd's notification protocol: one datagram of NAME=value lines.
 */
#include "daemon/sd_notify.h"

#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTIFY_BYTES_MAX 256

static void
notify_send(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
		strlen(path) >= sizeof(address.sun_path))
		return;

	size_t path_bytes = strlen(path);

	memcpy(address.sun_path, path, path_bytes);
	/* An abstract name begins with NUL and has no end but its length. */
	if (path[0] == '@')
		address.sun_path[0] = '\0';

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *) &address,
		   (socklen_t) (offsetof(struct sockaddr_un, sun_path) + path_bytes));
	close(fd);
}

void
sd_notify_ready(void)
{
	notify_send("READY=1");
}

void
sd_notify_stopping(void)
{
	notify_send("STOPPING=1");
}

void
sd_notify_watchdog(void)
{
	notify_send("WATCHDOG=1");
}

void
sd_notify_status(const char *format, ...)
{
	char message[NOTIFY_BYTES_MAX] = "STATUS=";
	size_t used = strlen(message);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message + used, sizeof(message) - used, format, arguments);
	va_end(arguments);
	/* A line break would begin another variable. */
	for (char *at = message; *at != '\0'; at++)
		if (*at == '\n')
			*at = ' ';
	notify_send(message);
}

int64_t
sd_notify_watchdog_ms(void)
{
	const char *interval_us = getenv("WATCHDOG_USEC");
	const char *owner = getenv("WATCHDOG_PID");

	if (interval_us == NULL || (owner != NULL && atoll(owner) != getpid()))
		return 0;

	long long us = atoll(interval_us);

	if (us <= 0)
		return 0;
	return us / 2000 > 0 ? us / 2000 : 1;
}
