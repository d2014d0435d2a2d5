/*
 * test_listen.c
 *		The address and the port that the HTTP server listens on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/server.h"
#include "http_server.h"

static void
here_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) request;
	(void) context;
	http_response_text(response, 200, "text/plain", "here");
}

static const HttpRoute routes[] = {{"GET", "/here", here_answer, NULL}};

static const HttpPlan plan = {.routes = routes, .route_count = 1};

static char address[] = "127.0.0.1";

static const HttpOptions options = {
	.listen_address = address,
	.port = 0,
	.connections_max = 8,
	.idle_timeout_ms = 2000,
	.request_timeout_ms = 3000,
	.body_bytes_max = 16,
	.thread_count = 1,
};

static Served served = {&options, &plan, NULL};

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
	assert_contains(ask("GET /here " REST "\r\n"), "HTTP/1.1 200 ");
	same.port = http_server_port(server);
	server_restart(&same, &plan);
	assert_int_equal(http_server_port(server), same.port);
	assert_contains(ask("GET /here " REST "\r\n"), "HTTP/1.1 200 ");
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
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_taken_port, &served),
		SERVER_TEST(test_port_is_free_at_once_after_a_stop, &served),
		SERVER_TEST(test_wrong_address, &served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
