/*
 * test_bounds.c
 *		What the HTTP server does not take: too much at once, and what can be read in two ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/server.h"
#include "http_server.h"

#define BODY_BYTES_MAX 16

static void
echo_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	size_t bytes = 0;
	const char *body = http_request_body(request, &bytes);
	char text[64];

	(void) context;
	snprintf(text, sizeof(text), "%s|%zu|%s", http_request_path(request), bytes, body);
	http_response_text(response, 201, "text/plain", text);
}

#define LARGE_BYTES \
	(4 * 1024 * 1024) /* more than the kernel keeps for a client that does not read */

static void
large_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) request;
	(void) context;
	http_response_take(response, 200, "text/plain", calloc(1, LARGE_BYTES), LARGE_BYTES);
}

/* Deferred until the test says so. */
static HttpRequest *_Atomic kept_request;

static void
kept_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) response;
	(void) context;
	http_request_defer(request);
	atomic_store(&kept_request, request);
}

static const char *const queries[] = {"a", "q", NULL};

static const HttpRoute routes[] = {
	{"POST", "/kept", kept_answer, NULL},
	{"GET", "/echo/{id}", echo_answer, NULL, .queries = queries},
	{"POST", "/echo/{id}", echo_answer, NULL},
	{"GET", "/large", large_answer, NULL},
	{"POST", "/large", large_answer, NULL},
};

static const HttpPlan plan = {.routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};

static char address[] = "127.0.0.1";

static const HttpOptions options = {
	.listen_address = address,
	.port = 0,
	.connections_max = 8,
	.idle_timeout_ms = 2000,
	.request_timeout_ms = 3000,
	.body_bytes_max = BODY_BYTES_MAX,
	.thread_count = 2,
};

static Served served = {&options, &plan, NULL};

/* Two bodies, each within its bound, are more than all may have together. */
static void
test_bodies_are_bounded_together(void **state)
{
	HttpOptions narrow = options;
	const char *answer = NULL;
	int fd = -1;

	(void) state;
	narrow.bodies_bytes_max = BODY_BYTES_MAX + 4;
	server_restart(&narrow, &plan);
	fd = client_connect();
	client_send(fd, "POST /kept " REST "Content-Length: 10\r\n\r\n0123456789");
	for (int tries = 0; atomic_load(&kept_request) == NULL; tries++)
	{
		assert_true(tries < ANSWER_TIMEOUT_MS);
		poll(NULL, 0, 1);
	}
	answer = ask("POST /echo/1 " REST "Content-Length: 16\r\n\r\n0123456789abcdef");
	assert_contains(answer, "HTTP/1.1 503 ");
	assert_contains(answer, "Retry-After: 1\r\n");
	assert_contains(ask("POST /echo/1 " REST "Content-Length: 9\r\n\r\n012345678"), "|9|012345678");
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
	http_response_text(http_request_response(atomic_load(&kept_request)), 200, "text/plain",
					   "kept");
	http_request_finish(atomic_load(&kept_request));
	assert_contains(client_receive(fd), "\r\n\r\nkept");
	assert_contains(ask("POST /echo/1 " REST "Content-Length: 16\r\n\r\n0123456789abcdef"),
					"|16|0123456789abcdef");
}

/* A client that does not read its answer keeps others from large ones, until it has gone. */
static void
test_answers_are_bounded_together(void **state)
{
	HttpOptions narrow = options;
	int fd = -1;
	int tries = 0;

	(void) state;
	narrow.answers_bytes_max = LARGE_BYTES + LARGE_BYTES / 2;
	server_restart(&narrow, &plan);
	fd = client_connect();
	client_send(fd, "GET /large " REST "\r\n");
	while (strstr(ask("GET /large " REST "\r\n"), "HTTP/1.1 503 ") == NULL)
		assert_true(tries++ < 1000);
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
	assert_contains(ask("POST /large " REST "Content-Length: 0\r\n\r\n"), "HTTP/1.1 200 ");
	close(fd);
	while (strstr(ask("GET /large " REST "\r\n"), "HTTP/1.1 200 ") == NULL)
		assert_true(tries++ < 2000);
}

/* The library's lookup ends there: two keys would be one. */
static void
test_nul_in_a_header(void **state)
{
#define KEY(value) "GET /echo/1 HTTP/1.1\r\nIdempotency-Key: " value "\r\nHost: localhost\r\n"
#define CLOSE	   "Connection: close\r\n\r\n"
	static const struct
	{
		const char *text;
		size_t bytes;
		const char *status;
	} cases[] = {
#define CASE(text, status) {text, sizeof(text) - 1, "HTTP/1.1 " status " "}
		CASE(KEY("a\0b") CLOSE, "400"),
		CASE(KEY("a\0") CLOSE, "400"),
		CASE(KEY("\0b") CLOSE, "400"),
		CASE(KEY("a\0\0b") CLOSE, "400"),
		CASE(KEY("a") "Connection: close\r\nX-Test: a\0b\r\n\r\n", "400"),
		CASE(KEY("a") "Connection: close\r\nX-Test: a\0\0b\r\n\r\n", "400"),
		CASE(KEY("a\r\n b") CLOSE, "400"),
		CASE(KEY("a  ") "X-Empty:\r\nX-Blank: \r\n" CLOSE, "201"),
		CASE(KEY("") CLOSE, "201"),
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int fd = client_connect();

		assert_int_equal(send(fd, cases[i].text, cases[i].bytes, MSG_NOSIGNAL),
						 (ssize_t) cases[i].bytes);
		assert_contains(client_receive(fd), cases[i].status);
	}
}

/* At once: a client must not wait for a body whose end nobody knows. */
static void
test_unknown_codings(void **state)
{
	static const char *const codings[] = {"xchunked", "gzip, chunked", "chunked, identity",
										  "identity"};
	char request[256];

	(void) state;
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
	{
		int64_t begun_ms = clock_monotonic_ms();

		snprintf(request, sizeof(request), "POST /echo/1 " REST "Transfer-Encoding: %s\r\n\r\n",
				 codings[i]);

		/* Newer versions of the library answer some themselves, with the one or the other. */
		const char *answer = ask(request);

		if (strstr(answer, "HTTP/1.1 501 ") == NULL)
			assert_contains(answer, "HTTP/1.1 400 ");
		assert_true(clock_monotonic_ms() - begun_ms < options.request_timeout_ms);
	}
}

/* A proxy in front, or another version of the library, might read them otherwise. */
static void
test_ambiguous_requests_are_refused(void **state)
{
	/* Newer versions of the library refuse some of these themselves, in words of their own. */
	static const char *const framing[] = {
		"POST /echo/1 " REST "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		"POST /echo/1 " REST
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"POST /echo/1 " REST "Content-Length : 3\r\n\r\nabc",
		"GET /echo/1 " REST "Host: y\r\n\r\n",
		"GET /echo/1 HTTP/1.1\r\nConnection: close\r\n\r\n",
	};
	static const char *const fields[] = {
		"GET /echo/1 " REST "Idempotency-Key: a\r\nidempotency-key: b\r\n\r\n",
		"GET /echo/1?q=1&q=2 " REST "\r\n",
		"GET /echo/1?q=a%00b " REST "\r\n",
		"GET /echo/1?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y " REST "\r\n",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++)
		assert_contains(ask(framing[i]), "HTTP/1.1 400 ");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
	{
		const char *answer = ask(fields[i]);

		assert_contains(answer, "HTTP/1.1 400 ");
		assert_contains(answer, "Content-Type: application/problem+json\r\n");
		assert_contains(answer, "\"detail\":");
	}
	assert_contains(ask("GET /echo/1?a=1&q=2 HTTP/1.0\r\nX-Test: 1\r\nx-test: 2\r\n\r\n"),
					"HTTP/1.1 201 ");
}

/* The library gives up in the middle; what was begun must not be left over (see the sanitizers). */
static void
test_queries_are_bounded(void **state)
{
	static char request[20000] = "GET /echo/1?";

	(void) state;
	while (strlen(request) < 16000)
		strcat(request, "a=b&");
	strcat(request, " " REST "\r\n");
	assert_null(strstr(ask(request), "HTTP/1.1 2"));
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_bodies_are_bounded_together, &served),
		SERVER_TEST(test_answers_are_bounded_together, &served),
		SERVER_TEST(test_ambiguous_requests_are_refused, &served),
		SERVER_TEST(test_nul_in_a_header, &served),
		SERVER_TEST(test_unknown_codings, &served),
		SERVER_TEST(test_queries_are_bounded, &served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
