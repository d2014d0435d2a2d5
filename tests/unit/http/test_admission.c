/*
 * test_admission.c
 *		Which requests come to their handler: by their query, their host, their token and its scope;
 *		and the ids that they have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
	http_response_text(response, 201, "text/plain", "here");
}

static const char *const echo_queries[] = {"q", "r", "name.", NULL};

static const HttpRoute routes[] = {
	{"GET", "/echo/{id}", here_answer, NULL, .queries = echo_queries},
	{"POST", "/echo/{id}", here_answer, NULL},
	{"GET", "/public", here_answer, NULL, .is_public = true},
	{"POST", "/cashier", here_answer, NULL, .scope = HTTP_SCOPE_CASHIER},
};

static const HttpPlan plan = {.routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};

static char address[] = "127.0.0.1";

static const HttpOptions options = {
	.listen_address = address,
	.port = 0,
	.connections_max = 8,
	.idle_timeout_ms = 2000,
	.request_timeout_ms = 3000,
	.body_bytes_max = 16,
	.thread_count = 2,
};

static Served served = {&options, &plan, NULL};

static void
test_queries(void **state)
{
	static const struct
	{
		const char *query;
		const char *detail;
	} wrong[] = {
		{"q=1&limt=5", "unknown parameter \\\"limt\\\" in the query"},
		{"q=1&q=2", "the parameter \\\"q\\\" of the query is given twice"},
		{"name.a=1&name.a=2", "the parameter \\\"name.a\\\" of the query is given twice"},
		{"name.=1", "unknown parameter \\\"name.\\\" in the query"},
		{"Q=1", "unknown parameter \\\"Q\\\" in the query"},
		{"%C3%A4%22=1", "unknown parameter \\\"??\\\"\\\" in the query"},
	};
	char request[256];

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		snprintf(request, sizeof(request), "GET /echo/1?%s " REST "\r\n", wrong[i].query);

		const char *answer = ask(request);

		assert_contains(answer, "HTTP/1.1 400 ");
		assert_contains(answer, wrong[i].detail);
	}
	assert_contains(ask("GET /echo/1?name.a=1&name.b=2&r= " REST "\r\n"), "HTTP/1.1 201 ");
	assert_contains(ask("POST /echo/1?q=1 " REST "Content-Length: 0\r\n\r\n"), "HTTP/1.1 400 ");
	assert_contains(ask("GET /public?x=1 " REST "\r\n"), "HTTP/1.1 400 ");
}

static void
test_request_ids(void **state)
{
	const char *answer = ask("GET /nothing " REST "X-Request-Id: order-17:a.b/c=+@_\r\n\r\n");

	(void) state;
	assert_contains(answer, "X-Request-Id: order-17:a.b/c=+@_\r\n");
	assert_contains(answer, "\"request_id\":\"order-17:a.b/c=+@_\"");
	answer = ask("GET /echo/1 " REST "X-Request-Id: two words\r\n\r\n");
	assert_contains(answer, "HTTP/1.1 201 ");
	assert_contains(answer, "X-Request-Id: ");
	assert_null(strstr(answer, "two words"));
	answer = ask("GET /echo/1 " REST "If-Match: 1\r\nIf-Match: 2\r\nX-Request-Id: bad\r\n\r\n");
	assert_contains(answer, "HTTP/1.1 400 ");
	assert_contains(answer, "\"request_id\":\"bad\"");
}

static void
test_hosts(void **state)
{
	static const char *const good[] = {"localhost",		  "LOCALHOST:80", "a.localhost.",
									   "127.0.0.1:3000",  "127.1.2.3",	  "[::1]:1",
									   "wallets.example", "10.0.0.7"};
	static const char *const bad[] = {"evil.example",
									  "localhost.evil.example",
									  "notlocalhost",
									  "10.0.0.8",
									  "[::2]",
									  "",
									  "wallets.example.evil.example"};
	HttpOptions named = options;
	char request[256];

	(void) state;
	named.hosts = (char[]){"wallets.example,10.0.0.7"};
	server_restart(&named, &plan);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		snprintf(request, sizeof(request), "GET /echo/1 HTTP/1.1\r\nHost: %s\r\n%s", good[i],
				 "Connection: close\r\n\r\n");
		assert_contains(ask(request), "HTTP/1.1 201 ");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		snprintf(request, sizeof(request), "GET /echo/1 HTTP/1.1\r\nHost: %s\r\n%s", bad[i],
				 "Connection: close\r\n\r\n");
		assert_contains(ask(request), "HTTP/1.1 421 ");
	}
	assert_contains(ask("GET http://evil.example/echo/1 " REST "\r\n"), "HTTP/1.1 421 ");
}

static void
guarded_start(const HttpOptions *guarded)
{
	Status status = http_options_check(guarded);

	assert_true(status_is_ok(&status));
	server_restart(guarded, &plan);
}

static void
test_token(void **state)
{
	HttpOptions guarded = options;
	const char *answer = NULL;

	(void) state;
	guarded.bearer_tokens = (char[]){"0123456789abcdef,fedcba9876543210"};
	guarded_start(&guarded);
	answer = ask("GET /echo/1 " REST "\r\n");
	assert_contains(answer, "HTTP/1.1 401 ");
	assert_contains(answer, "WWW-Authenticate: Bearer\r\n");
	assert_contains(ask("GET /echo/1 " REST "Authorization: Bearer 0123456789abcdef\r\n\r\n"),
					"HTTP/1.1 201 ");
	assert_contains(ask("GET /echo/1 " REST "Authorization: Bearer fedcba9876543210\r\n\r\n"),
					"HTTP/1.1 201 ");
	assert_contains(ask("GET /public " REST "\r\n"), "HTTP/1.1 201 ");
	assert_contains(ask("POST /cashier " REST "Authorization: Bearer fedcba9876543210\r\n"
						"Content-Length: 0\r\n\r\n"),
					"HTTP/1.1 201 ");
	guarded.bearer_tokens = (char[]){"short"};

	Status status = http_options_check(&guarded);

	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_contains(status.text, "BEARER_TOKEN");
}

static void
file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Of "0123456789abcdef" and "fedcba9876543210". */
#define READER "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"

static void
test_tokens_with_scopes(void **state)
{
	static const char request[] = "POST /cashier " REST "Content-Length: 0\r\n"
								  "Authorization: Bearer 0123456789abcdef\r\n\r\n";
	char path[] = "/tmp/wallet-tokens-XXXXXX";
	HttpOptions guarded = options;
	const char *answer = NULL;

	(void) state;
	close(mkstemp(path));
	file_write(path, "[{\"name\":\"reader\",\"sha256\":\"" READER "\",\"scopes\":[\"read\"]}]");
	guarded.tokens_file = path;
	guarded_start(&guarded);
	answer = ask(request);
	assert_contains(answer, "HTTP/1.1 403 ");
	assert_contains(answer, "\"scope\":\"cashier\"");
	assert_contains(answer, "the token \\\"reader\\\" lacks the scope cashier");
	file_write(path, "[{\"name\":\"till\",\"sha256\":\"" READER "\",\"scopes\":[\"cashier\"]}]");

	Status status = http_server_tokens_set(server, &guarded);

	assert_true(status_is_ok(&status));
	assert_contains(ask(request), "HTTP/1.1 201 ");
	file_write(path, "[{]");
	status = http_server_tokens_set(server, &guarded);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_contains(ask(request), "HTTP/1.1 201 ");
	file_write(path, "[]");
	status = http_server_tokens_set(server, &guarded);
	assert_true(status_is_ok(&status));
	assert_contains(ask(request), "HTTP/1.1 401 ");
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_queries, &served),
		SERVER_TEST(test_request_ids, &served),
		SERVER_TEST(test_hosts, &served),
		SERVER_TEST(test_token, &served),
		SERVER_TEST(test_tokens_with_scopes, &served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
