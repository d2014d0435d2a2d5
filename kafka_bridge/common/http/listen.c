/*
 * listen.c
 *		Binds and listens.
 */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A burst of new clients waits in the kernel instead of being refused. */
#define LISTEN_BACKLOG 1024

Status
http_listen_error(const HttpOptions *options, const char *reason)
{
	return status_fatal(EXIT_CODE_CONFIGURATION, "cannot listen on %s, port %d: %s",
						options->listen_address, (int) options->port, reason);
}

static int
socket_bind(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	/* Connections of the process before us that linger in TIME_WAIT must not hold the port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;

	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
	return -1;
}

Status
http_listen(const HttpOptions *options, int *fd)
{
	const struct addrinfo wanted = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	char port[16];

	snprintf(port, sizeof(port), "%d", (int) options->port);

	int failure = getaddrinfo(options->listen_address, port, &wanted, &addresses);

	if (failure != 0)
		return http_listen_error(options, gai_strerror(failure));
	*fd = socket_bind(addresses);

	Status status = *fd >= 0 ? status_ok() : http_listen_error(options, strerror(errno));

	freeaddrinfo(addresses);
	return status;
}

uint16_t
http_listen_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t bytes = sizeof(address);

	memset(&address, 0, sizeof(address));
	getsockname(fd, (struct sockaddr *) &address, &bytes);
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *) &address)->sin6_port);
	return ntohs(((const struct sockaddr_in *) &address)->sin_port);
}
