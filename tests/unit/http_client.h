/*
 * http_client.h
 *		A client that says exactly what a test wants, and takes all that is answered.
 *
 * To be included after cmocka.h.
 */
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

#define ANSWER_BYTES	  65536
#define ANSWER_TIMEOUT_MS 10000

/* How a request line and its fields go on. */
#define REST "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"

/* The one that is asked; the test starts and stops it. */
static HttpServer *server;

static int
client_connect(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(http_server_port(server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *) &to, sizeof(to)), 0);
	return fd;
}

static void
client_send(int fd, const char *request)
{
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t) strlen(request));
}

/* All the server says until it closes the connection. */
static const char *
client_receive(int fd)
{
	static char answer[ANSWER_BYTES];
	size_t used = 0;

	for (;;)
	{
		struct pollfd polled = {.fd = fd, .events = POLLIN};

		if (poll(&polled, 1, ANSWER_TIMEOUT_MS) != 1)
			fail_msg("no answer in time; until then: %.*s", (int) used, answer);

		ssize_t bytes = recv(fd, answer + used, sizeof(answer) - used - 1, 0);

		if (bytes <= 0)
			break;
		used += (size_t) bytes;
	}
	answer[used] = '\0';
	close(fd);
	return answer;
}

/* The answer to one request on a connection of its own. */
static const char *
ask(const char *request)
{
	int fd = client_connect();

	client_send(fd, request);
	return client_receive(fd);
}

static void
assert_contains(const char *answer, const char *part)
{
	if (strstr(answer, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, answer);
}
