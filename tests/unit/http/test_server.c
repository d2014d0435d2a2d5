/*
 * test_server.c
 *		The HTTP server asked over real sockets: routes, bounds, bad input, slow clients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "http_server.h"

#define BODY_BYTES_MAX 16

static atomic_int handlers_running;
static atomic_bool handlers_may_end;

static void
echo_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const char *query = http_request_query(request, "q");
	const char *header = http_request_header(request, "X-Test");
	size_t bytes = 0;
	const char *body = http_request_body(request, &bytes);
	char text[1024];

	snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%s|%zu|%s", (const char *) context,
			 http_request_method(request), http_request_path(request),
			 http_request_parameter(request, "id"), query != NULL ? query : "-",
			 header != NULL ? header : "-", bytes, body);
	http_response_header(response, "X-Answer", "yes");
	http_response_text(response, 201, "text/plain", text);
}

static void
silent_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) request;
	(void) response;
	(void) context;
}

static void
slow_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) request;
	(void) context;
	atomic_fetch_add(&handlers_running, 1);
	while (!atomic_load(&handlers_may_end))
		poll(NULL, 0, 1);
	http_response_text(response, 200, "text/plain", "slow");
}

/* Finished by another thread, as by one of a pool. */
static void *
late_main(void *argument)
{
	HttpRequest *request = argument;

	http_response_text(http_request_response(request), 202, "text/plain", "late");
	http_request_finish(request);
	return NULL;
}

static void
late_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	pthread_t thread;

	(void) response;
	(void) context;
	http_request_defer(request);
	if (pthread_create(&thread, NULL, late_main, request) == 0)
		pthread_detach(thread);
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

static HttpStream *_Atomic stream;

static void
stream_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	HttpStream *made = http_response_stream(request, response, "text/event-stream");

	(void) context;
	http_stream_write(made, "one ", 4);
	atomic_store(&stream, made);
}

static char context[] = "context";

static const char *const echo_queries[] = {"q", "r", NULL};

static const HttpRoute routes[] = {
	{"GET", "/echo/{id}", echo_answer, context, .queries = echo_queries},
	{"POST", "/echo/{id}", echo_answer, context},
	{"GET", "/silent", silent_answer, NULL},
	{"GET", "/slow", slow_answer, NULL},
	{"GET", "/late", late_answer, NULL},
	{"POST", "/late", late_answer, NULL},
	{"GET", "/kept", kept_answer, NULL},
	{"GET", "/stream", stream_answer, NULL},
	{"POST", "/large", echo_answer, context, .body_bytes_max = BODY_BYTES_MAX * 2},
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

static void
handlers_reset(void)
{
	atomic_store(&handlers_running, 0);
	atomic_store(&handlers_may_end, false);
	atomic_store(&kept_request, NULL);
	atomic_store(&stream, NULL);
}

static Served served = {&options, &plan, handlers_reset};

static void
test_handler_sees_the_request(void **state)
{
	const char *answer = ask("GET /echo/a%2Fb%20c?q=%C3%A4+b&r=1 " REST "X-Test: t\r\n\r\n");

	(void) state;
	assert_contains(answer, "HTTP/1.1 201 Created\r\n");
	assert_contains(answer, "Content-Type: text/plain\r\n");
	assert_contains(answer, "X-Answer: yes\r\n");
	assert_contains(answer, "Cache-Control: no-store\r\n");
	assert_contains(answer, "\r\n\r\ncontext|GET|/echo/a%2Fb%20c|a/b c|\xc3\xa4 b|t|0|");
}

static void
test_blanks_around_a_value(void **state)
{
	(void) state;
	assert_contains(ask("GET /echo/1?q=2 " REST "X-Test: \t t u \t \r\n\r\n"), "|2|t u|0|");
	assert_contains(ask("GET /echo/1?q=2 " REST "X-Test: t\r\nX-Other: \r\n\r\n"), "|2|t|0|");
}

static void
test_absolute_form(void **state)
{
	(void) state;
	assert_contains(ask("GET http://localhost:1/echo/1?q=2 " REST "\r\n"), "|GET|/echo/1|1|2|");
}

static void
test_head_has_no_body(void **state)
{
	const char *answer = ask("HEAD /echo/1 " REST "\r\n");

	(void) state;
	assert_contains(answer, "HTTP/1.1 201 ");
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void
test_not_found_and_not_allowed(void **state)
{
	const char *answer = ask("GET /nothing " REST "\r\n");

	(void) state;
	assert_contains(answer, "HTTP/1.1 404 Not Found\r\n");
	assert_contains(answer, "Content-Type: application/problem+json\r\n");
	assert_contains(
		answer, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
				"\"detail\":\"there is no such path\",\"code\":\"path_unknown\",\"request_id\":\"");
	answer = ask("DELETE /echo/1 " REST "\r\n");
	assert_contains(answer, "HTTP/1.1 405 ");
	assert_contains(answer, "\"code\":\"method_not_allowed\"");
	assert_contains(answer, "Allow: GET, HEAD, POST\r\n");
}

static void
test_body_within_the_bound(void **state)
{
	(void) state;
	assert_contains(ask("POST /echo/1 " REST "Content-Length: 16\r\n\r\n0123456789abcdef"),
					"|16|0123456789abcdef");
	assert_contains(ask("POST /echo/1 " REST
						"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n3\r\n456\r\n0\r\n\r\n"),
					"|7|0123456");
}

static void
test_body_too_large(void **state)
{
	(void) state;
	const char *answer = ask("POST /echo/1 " REST "Content-Length: 17\r\n\r\n");

	assert_contains(answer, "HTTP/1.1 413 ");
	assert_contains(answer, "\"detail\":\"the body may have at most 16 bytes\"");
	assert_contains(answer, "\"limit_bytes\":16");
	assert_contains(ask("POST /large " REST "Content-Length: 17\r\n\r\n0123456789abcdef0"),
					"|17|0123456789abcdef0");
	assert_contains(ask("POST /large " REST "Content-Length: 33\r\n\r\n"), "\"limit_bytes\":32");
	assert_contains(ask("POST /echo/1 " REST "Content-Length: 99999999999\r\n\r\n"),
					"HTTP/1.1 413 ");
	assert_contains(ask("POST /echo/1 " REST "Transfer-Encoding: chunked\r\n\r\n"
						"8\r\n01234567\r\n9\r\n012345678\r\n0\r\n\r\n"),
					"HTTP/1.1 413 ");
}

static void
test_rubbish_is_refused(void **state)
{
	static const char *const requests[] = {
		"\r\n\r\n\r\nrubbish\r\n\r\n",
		"GET\r\n\r\n",
		"GET /echo/1 HTTP/9.9\r\n\r\n",
		"GET /echo/1 HTTP/1.1\r\nno colon\r\n\r\n",
		"POST /echo/1 " REST "Content-Length: -1\r\n\r\n",
		"POST /echo/1 " REST "Content-Length: 1x\r\n\r\n",
		"POST /echo/1 " REST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
	{
		const char *answer = ask(requests[i]);

		assert_null(strstr(answer, "HTTP/1.1 2"));
		assert_null(strstr(answer, "HTTP/1.0 2"));
	}
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
}

static void
test_headers_are_bounded(void **state)
{
	char *request = malloc(ANSWER_BYTES * 2);
	size_t used = (size_t) sprintf(request, "GET /echo/1 " REST "X-Test: ");

	(void) state;
	memset(request + used, 'x', ANSWER_BYTES);
	strcpy(request + used + ANSWER_BYTES, "\r\n\r\n");

	int fd = client_connect();

	/* The server may close before it has read all of it. */
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	free(request);
	assert_null(strstr(client_receive(fd), "HTTP/1.1 2"));
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
}

static void
test_handler_without_answer(void **state)
{
	(void) state;
	assert_contains(ask("GET /silent " REST "\r\n"), "HTTP/1.1 500 ");
}

static void
test_idle_connection_is_closed(void **state)
{
	int fd = client_connect();

	(void) state;
	client_send(fd, "GET /echo/1 HTT");
	assert_null(strstr(client_receive(fd), "HTTP/1.1 2"));
}

static void
test_more_clients_than_connections(void **state)
{
	int fds[24];

	(void) state;
	for (size_t i = 0; i < 24; i++)
		fds[i] = client_connect();
	for (size_t i = 0; i < 24; i++)
		client_send(fds[i], "GET /echo/1 " REST "\r\n");
	for (size_t i = 0; i < 24; i++)
		assert_contains(client_receive(fds[i]), "HTTP/1.1 201 ");
}

static void
test_slow_handlers_run_side_by_side(void **state)
{
	int fds[2] = {client_connect(), client_connect()};

	(void) state;
	client_send(fds[0], "GET /slow " REST "\r\n");
	client_send(fds[1], "GET /slow " REST "\r\n");
	for (int tries = 0; atomic_load(&handlers_running) < 1; tries++)
	{
		assert_true(tries < ANSWER_TIMEOUT_MS);
		poll(NULL, 0, 1);
	}
	atomic_store(&handlers_may_end, true);
	assert_contains(client_receive(fds[0]), "slow");
	assert_contains(client_receive(fds[1]), "slow");
}

static void
test_deferred_answer(void **state)
{
	(void) state;
	assert_contains(ask("GET /late " REST "\r\n"), "\r\n\r\nlate");
	assert_contains(ask("POST /late " REST "Content-Length: 3\r\n\r\nabc"), "HTTP/1.1 202 ");
}

static void
test_deferred_answers_on_one_connection(void **state)
{
	int fd = client_connect();
	const char *answer = NULL;

	(void) state;
	client_send(
		fd,
		"GET /late HTTP/1.1\r\nHost: localhost\r\n\r\nGET /echo/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		"GET /late " REST "\r\n");
	answer = client_receive(fd);
	assert_contains(answer, "\r\n\r\nlateHTTP/1.1 201 ");
	assert_string_equal(answer + strlen(answer) - 4, "late");
}

/* What is atomically set by a handler. */
#define AWAIT(condition)                        \
	for (int tries = 0; !(condition); tries++)  \
	{                                           \
		assert_true(tries < ANSWER_TIMEOUT_MS); \
		poll(NULL, 0, 1);                       \
	}

static void
test_client_that_leaves_a_deferred_request(void **state)
{
	int fd = client_connect();

	(void) state;
	client_send(fd, "GET /kept " REST "\r\n");
	AWAIT(atomic_load(&kept_request) != NULL);
	close(fd);
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
	http_response_text(http_request_response(atomic_load(&kept_request)), 200, "text/plain", "x");
	http_request_finish(atomic_load(&kept_request));
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
}

static void
test_stream(void **state)
{
	int fd = client_connect();
	const char *answer = NULL;

	(void) state;
	client_send(fd, "GET /stream " REST "\r\n");
	AWAIT(atomic_load(&stream) != NULL);
	assert_true(http_stream_write(atomic_load(&stream), "two ", 4));
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
	assert_true(http_stream_write(atomic_load(&stream), "three", 5));
	http_stream_close(atomic_load(&stream));
	answer = client_receive(fd);
	assert_contains(answer, "Content-Type: text/event-stream\r\n");
	assert_contains(answer, "one ");
	assert_contains(answer, "three");
}

static void
test_client_that_leaves_a_stream(void **state)
{
	int fd = client_connect();

	(void) state;
	client_send(fd, "GET /stream " REST "\r\n");
	AWAIT(atomic_load(&stream) != NULL);
	assert_true(http_stream_is_open(atomic_load(&stream)));
	close(fd);
	AWAIT(!http_stream_is_open(atomic_load(&stream)));
	assert_false(http_stream_write(atomic_load(&stream), "more ", 5));
	http_stream_close(atomic_load(&stream));
}

static void
test_client_that_does_not_read_a_stream(void **state)
{
	static char piece[64 * 1024];
	int fd = client_connect();
	int64_t taken = 0;

	(void) state;
	client_send(fd, "GET /stream " REST "\r\n");
	AWAIT(atomic_load(&stream) != NULL);
	memset(piece, 'x', sizeof(piece));
	while (http_stream_write(atomic_load(&stream), piece, sizeof(piece)))
	{
		taken += (int64_t) sizeof(piece);
		assert_true(taken < INT64_C(1) << 30);
	}
	http_stream_close(atomic_load(&stream));
	close(fd);
}

/* A byte now and then, so that the connection never counts as idle. */
static void
test_slow_request_is_cut_off(void **state)
{
	int fd = client_connect();
	char byte = 0;
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	int waited_ms = 0;

	(void) state;
	client_send(fd, "GET /echo/1 HTTP/1.1\r\n");
	for (; poll(&polled, 1, 100) == 0; waited_ms += 100)
	{
		assert_true(waited_ms < ANSWER_TIMEOUT_MS);
		send(fd, "X", 1, MSG_NOSIGNAL);
	}
	assert_true(waited_ms >= 2000);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
}

static void
test_drain(void **state)
{
	int fd = client_connect();
	HttpRequest *request = NULL;

	(void) state;
	client_send(fd, "GET /kept HTTP/1.1\r\nHost: localhost\r\n\r\n");
	AWAIT((request = atomic_load(&kept_request)) != NULL);
	assert_false(http_server_drain(server, 50));
	http_response_text(http_request_response(request), 200, "text/plain", "done");
	http_request_finish(request);
	assert_true(http_server_drain(server, ANSWER_TIMEOUT_MS));

	const char *answer = client_receive(fd);

	assert_contains(answer, "\r\n\r\ndone");
	assert_contains(answer, "Connection: close\r\n");
}

static size_t _Atomic observed_label;
static unsigned _Atomic observed_status;

static void
observe(size_t label, unsigned status, int64_t duration_us, void *observer_context)
{
	assert_ptr_equal(observer_context, context);
	assert_true(duration_us >= 0);
	atomic_store(&observed_label, label);
	atomic_store(&observed_status, status);
}

static void
test_observer(void **state)
{
	const HttpRoute labelled[] = {{"GET", "/late", late_answer, NULL, .label = 7}};
	const HttpPlan observed = {labelled, 1, observe, context};

	(void) state;
	server_restart(&options, &observed);
	assert_contains(ask("GET /late " REST "\r\n"), "late");
	assert_int_equal(atomic_load(&observed_label), 7);
	assert_int_equal(atomic_load(&observed_status), 202);
	assert_contains(ask("GET /none " REST "\r\n"), "HTTP/1.1 404 ");
	assert_int_equal(atomic_load(&observed_label), 0);
	assert_int_equal(atomic_load(&observed_status), 404);
	http_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_handler_sees_the_request, &served),
		SERVER_TEST(test_blanks_around_a_value, &served),
		SERVER_TEST(test_absolute_form, &served),
		SERVER_TEST(test_head_has_no_body, &served),
		SERVER_TEST(test_not_found_and_not_allowed, &served),
		SERVER_TEST(test_body_within_the_bound, &served),
		SERVER_TEST(test_body_too_large, &served),
		SERVER_TEST(test_rubbish_is_refused, &served),
		SERVER_TEST(test_headers_are_bounded, &served),
		SERVER_TEST(test_handler_without_answer, &served),
		SERVER_TEST(test_idle_connection_is_closed, &served),
		SERVER_TEST(test_more_clients_than_connections, &served),
		SERVER_TEST(test_slow_handlers_run_side_by_side, &served),
		SERVER_TEST(test_deferred_answer, &served),
		SERVER_TEST(test_deferred_answers_on_one_connection, &served),
		SERVER_TEST(test_client_that_leaves_a_deferred_request, &served),
		SERVER_TEST(test_stream, &served),
		SERVER_TEST(test_client_that_leaves_a_stream, &served),
		SERVER_TEST(test_client_that_does_not_read_a_stream, &served),
		SERVER_TEST(test_slow_request_is_cut_off, &served),
		SERVER_TEST(test_drain, &served),
		SERVER_TEST(test_observer, &served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
