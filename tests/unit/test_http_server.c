/*
 * test_http_server.c
 *		The HTTP server asked over real sockets: routes, bounds, bad input, and a taken port.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_server.h"

#define ANSWER_BYTES	  65536
#define ANSWER_TIMEOUT_MS 10000
#define BODY_BYTES_MAX	  16

static HttpServer *server;
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

static char context[] = "context";

static const HttpRoute routes[] = {
	{"GET", "/echo/{id}", echo_answer, context},
	{"POST", "/echo/{id}", echo_answer, context},
	{"GET", "/silent", silent_answer, NULL},
	{"GET", "/slow", slow_answer, NULL},
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

static int
server_begin(void **state)
{
	Status status = http_server_start(&options, &plan, &server);

	(void) state;
	atomic_store(&handlers_running, 0);
	atomic_store(&handlers_may_end, false);
	return !status_is_ok(&status);
}

static int
server_end(void **state)
{
	(void) state;
	http_server_stop(&server);
	return server != NULL;
}

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

#define REST "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void
assert_contains(const char *answer, const char *part)
{
	if (strstr(answer, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, answer);
}

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
test_absolute_form(void **state)
{
	(void) state;
	assert_contains(ask("GET http://x:1/echo/1?q=2 " REST "\r\n"), "|GET|/echo/1|1|2|");
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
	assert_contains(answer, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}");
	answer = ask("DELETE /echo/1 " REST "\r\n");
	assert_contains(answer, "HTTP/1.1 405 ");
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
	assert_contains(ask("POST /echo/1 " REST "Content-Length: 17\r\n\r\n"), "HTTP/1.1 413 ");
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
test_taken_port(void **state)
{
	HttpOptions same = options;
	HttpServer *second = NULL;

	(void) state;
	same.port = http_server_port(server);

	Status status = http_server_start(&same, &plan, &second);

	assert_int_equal(status.class, STATUS_FATAL);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_contains(status.text, "cannot listen on 127.0.0.1, port ");
	assert_contains(status.text, "Address already in use");
	assert_null(second);
}

static void
test_port_is_free_at_once_after_a_stop(void **state)
{
	HttpOptions same = options;

	(void) state;
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
	same.port = http_server_port(server);
	http_server_stop(&server);

	Status status = http_server_start(&same, &plan, &server);

	assert_true(status_is_ok(&status));
	assert_int_equal(http_server_port(server), same.port);
	assert_contains(ask("GET /echo/1 " REST "\r\n"), "HTTP/1.1 201 ");
}

static void
test_wrong_address(void **state)
{
	static char wrong[] = "192.0.2.1";
	static char nonsense[] = "not an address";
	HttpOptions other = options;
	HttpServer *second = NULL;

	(void) state;
	other.listen_address = wrong;

	Status status = http_server_start(&other, &plan, &second);

	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	other.listen_address = nonsense;
	status = http_server_start(&other, &plan, &second);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
}

int
main(void)
{
#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, server_begin, server_end)
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_handler_sees_the_request),
		SERVER_TEST(test_absolute_form),
		SERVER_TEST(test_head_has_no_body),
		SERVER_TEST(test_not_found_and_not_allowed),
		SERVER_TEST(test_body_within_the_bound),
		SERVER_TEST(test_body_too_large),
		SERVER_TEST(test_rubbish_is_refused),
		SERVER_TEST(test_headers_are_bounded),
		SERVER_TEST(test_handler_without_answer),
		SERVER_TEST(test_idle_connection_is_closed),
		SERVER_TEST(test_more_clients_than_connections),
		SERVER_TEST(test_slow_handlers_run_side_by_side),
		SERVER_TEST(test_taken_port),
		SERVER_TEST(test_port_is_free_at_once_after_a_stop),
		SERVER_TEST(test_wrong_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
