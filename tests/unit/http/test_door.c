/*
 * test_door.c
 *		What a connection wants by its first bytes; and that neither silent clients, nor those that
 *		fill the hall, keep anybody from a prompt answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assert_within.h"
#include "base/clock.h"
#include "http/door.h"
#include "http/server.h"
#include "http_server.h"

#define HALL	16
#define CROWD	300					   /* more than may wait */
#define DEAF	(HTTP_RESERVE_MAX + 8) /* more than the reserve has places for */
#define SOON_MS 1000

static HttpRequest *_Atomic kept[HALL];
static atomic_size_t kept_count;

static void
kept_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) response;
	(void) context;
	http_request_defer(request);
	atomic_store(&kept[atomic_fetch_add(&kept_count, 1)], request);
}

#define LARGE_BYTES \
	(8 * 1024 * 1024) /* more than the kernel keeps for a client that does not read */

static void
large_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	static const char body[LARGE_BYTES];

	(void) request;
	(void) context;
	http_response_static(response, 200, "text/plain", body, sizeof(body));
}

static void
text_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	(void) request;
	http_response_text(response, 200, "text/plain", context);
}

static char well[] = "well";
static char other[] = "other";

static const HttpRoute routes[] = {
	{"GET", "/health", text_answer, well, .is_prompt = true},
	{"GET", "/heavy", large_answer, NULL, .is_prompt = true},
	{"GET", "/healed", text_answer, other},
	{"GET", "/kept", kept_answer, NULL},
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static const HttpPlan plan = {.routes = routes, .route_count = ROUTES};

static char address[] = "127.0.0.1";

static const HttpOptions options = {
	.listen_address = address,
	.connections_max = HALL,
	.idle_timeout_ms = 60000,
	.request_timeout_ms = 60000,
	.thread_count = 2,
};

static void
kept_reset(void)
{
	atomic_store(&kept_count, 0);
}

static Served served = {&options, &plan, kept_reset};

static void
test_knock(void **state)
{
	static const struct
	{
		const char *data;
		HttpKnock knock;
	} cases[] = {
		{"", HTTP_KNOCK_SILENT},
		{"G", HTTP_KNOCK_SILENT},
		{"GET", HTTP_KNOCK_SILENT},
		{"GET /hea", HTTP_KNOCK_SILENT},
		{"GET /health", HTTP_KNOCK_SILENT},
		{"GET /health HTTP/1.1\r\nHost: localhost\r\n", HTTP_KNOCK_SILENT},
		{"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTP_KNOCK_PROMPT},
		{"HEAD /health?a=b HTTP/1.1\n\n", HTTP_KNOCK_PROMPT},
		{"GET /heavy HTTP/1.1\r\n\r\nGET /kept HTTP/1.1\r\n", HTTP_KNOCK_PROMPT},
		{"GET /health HTTP/1.1\r\ncontent-Length: 5\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"GET /health HTTP/1.1\nTransfer-Encoding: chunked\n\n", HTTP_KNOCK_ORDINARY},
		{"GET /health HTTP/1.1\r\nX-Content-Length: 5\r\n\r\n", HTTP_KNOCK_PROMPT},
		{"GET /healed HTTP/1.1\r\n", HTTP_KNOCK_ORDINARY},
		{"GET /healthy", HTTP_KNOCK_ORDINARY},
		{"GET /health/ HTTP/1.1\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"GET  /health HTTP/1.1\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"get /health HTTP/1.1\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"POST /health HTTP/1.1\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"\r\nGET /health HTTP/1.1\r\n\r\n", HTTP_KNOCK_ORDINARY},
		{"\x16\x03\x01", HTTP_KNOCK_ORDINARY},
	};
	char longest[HTTP_KNOCK_BYTES];
	int start = snprintf(longest, sizeof(longest), "GET /health HTTP/1.1\r\nX: ");

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (http_knock_read(routes, ROUTES, cases[i].data, strlen(cases[i].data)) != cases[i].knock)
			fail_msg("%s", cases[i].data);
	memset(longest + start, 'x', sizeof(longest) - (size_t) start);
	assert_int_equal(http_knock_read(routes, ROUTES, longest, sizeof(longest) - 1),
					 HTTP_KNOCK_SILENT);
	assert_int_equal(http_knock_read(routes, ROUTES, longest, sizeof(longest)),
					 HTTP_KNOCK_ORDINARY);
}

static void
assert_prompt(const char *state)
{
	int64_t begun_ms = clock_monotonic_ms();
	const char *answer = ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
	int64_t took_ms = clock_monotonic_ms() - begun_ms;

	assert_contains(answer, "HTTP/1.1 200 ");
	assert_contains(answer, "\r\nConnection: close\r\n");
	assert_contains(answer, "\r\n\r\nwell");
	if (took_ms >= SOON_MS)
		fail_msg("%s: %d ms", state, (int) took_ms);
}

static void
crowd_close(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void
test_silent_crowd(void **state)
{
	static const char *const starts[] = {"", "GET /he", "GET /health HTTP/1.1\r\nHost: ",
										 "GET /health HTTP/1.1\r\nHost: localhost\r\n"};
	int fds[CROWD];

	(void) state;
	for (size_t i = 0; i < CROWD; i++)
	{
		fds[i] = client_connect();
		client_send(fds[i], starts[i % 4]);
	}
	assert_prompt("silent clients");
	crowd_close(fds, CROWD);
}

static void
test_deaf_crowd(void **state)
{
	int fds[DEAF];

	(void) state;
	for (size_t i = 0; i < DEAF; i++)
	{
		fds[i] = client_connect();
		client_send(fds[i], "GET /heavy HTTP/1.1\r\nHost: localhost\r\n\r\n");
	}
	assert_prompt("clients that do not read");
	crowd_close(fds, DEAF);
}

static void
kept_end(size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		http_response_text(http_request_response(atomic_load(&kept[i])), 200, "text/plain", "kept");
		http_request_finish(atomic_load(&kept[i]));
	}
}

static void
kept_await(size_t count)
{
	for (int tries = 0; atomic_load(&kept_count) < count; tries++)
	{
		assert_true(tries < ANSWER_TIMEOUT_MS);
		poll(NULL, 0, 1);
	}
}

static void
hall_fill(int fds[HALL])
{
	for (size_t i = 0; i < HALL; i++)
	{
		fds[i] = client_connect();
		client_send(fds[i], "GET /kept " REST "\r\n");
	}
	kept_await(HALL);
}

/* Those that wait get their answer when there is room, those for whom there is none are told so
 * where that can be done at once. */
static void
test_full_hall(void **state)
{
	int fds[HALL];
	int waiting[CROWD];
	int refused = 0;

	(void) state;
	hall_fill(fds);
	assert_prompt("a full hall");
	for (size_t i = 0; i < CROWD; i++)
	{
		waiting[i] = client_connect();
		client_send(waiting[i], "GET /healed " REST "\r\n");
	}
	assert_prompt("a full hall and a crowd at the door");
	kept_end(HALL);
	for (size_t i = 0; i < HALL; i++)
		assert_contains(client_receive(fds[i]), "\r\n\r\nkept");
	for (size_t i = 0; i < CROWD; i++)
	{
		const char *answer = client_receive(waiting[i]);

		if (strstr(answer, "\r\n\r\nother") != NULL)
			continue;
		refused++;
		if (*answer == '\0')
			continue;
		assert_contains(answer, "HTTP/1.1 503 ");
		assert_contains(answer, "Retry-After: 1\r\n");
		assert_contains(answer, "too many connections at once");
	}
	assert_within(refused, 1, CROWD / 4);
}

/* Who waits for room, when the server stops, is told so. */
static void
test_full_hall_that_drains(void **state)
{
	int fds[HALL];
	int waiting = -1;
	const char *answer = NULL;

	(void) state;
	hall_fill(fds);
	waiting = client_connect();
	client_send(waiting, "GET /healed " REST "\r\n");
	/* The door has looked at those before it then. */
	assert_prompt("a full hall");
	assert_false(http_server_drain(server, 1));
	answer = client_receive(waiting);
	assert_contains(answer, "HTTP/1.1 503 ");
	assert_contains(answer, "Retry-After: 1\r\n");
	assert_contains(answer, "the service is stopping");
	kept_end(HALL);
	assert_true(http_server_drain(server, ANSWER_TIMEOUT_MS));
	for (size_t i = 0; i < HALL; i++)
		assert_contains(client_receive(fds[i]), "\r\n\r\nkept");
}

/* Further ones come, one after the other, until the silent one has given way. */
static void
silent_await(int silent)
{
	struct pollfd polled = {.fd = silent, .events = POLLIN};
	int64_t late_ms = clock_monotonic_ms() + ANSWER_TIMEOUT_MS;

	do
	{
		assert_true(clock_monotonic_ms() < late_ms);
		close(client_connect());
	} while (poll(&polled, 1, 50) == 0);
	assert_string_equal(client_receive(silent), "");
}

/*
 * A further connection of an address takes the place of a silent one, or is closed; the health has
 * places of its own.
 */
static void
test_connections_of_a_client(void **state)
{
	HttpOptions narrow = options;
	int fds[3];
	int silent = -1;
	int prompt[2];

	(void) state;
	narrow.client_connections_max = 3;
	server_restart(&narrow, &plan);
	for (size_t i = 0; i < 2; i++)
	{
		fds[i] = client_connect();
		client_send(fds[i], "GET /kept " REST "\r\n");
	}
	kept_await(2);
	silent = client_connect();
	assert_contains(ask("GET /healed " REST "\r\n"), "\r\n\r\nother");
	silent_await(silent);
	fds[2] = client_connect();
	client_send(fds[2], "GET /kept " REST "\r\n");
	kept_await(3);
	assert_string_equal(ask("GET /healed " REST "\r\n"), "");
	for (size_t i = 0; i < 2; i++)
	{
		prompt[i] = client_connect();
		client_send(prompt[i], "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
	}
	assert_prompt("a client with all its connections");
	for (size_t i = 0; i < 2; i++)
		assert_contains(client_receive(prompt[i]), "\r\n\r\nwell");
	kept_end(3);
	for (size_t i = 0; i < 3; i++)
		assert_contains(client_receive(fds[i]), "\r\n\r\nkept");
	assert_contains(ask("GET /healed " REST "\r\n"), "\r\n\r\nother");
}

/* Its health is answered all the same. */
static void
test_requests_of_a_client(void **state)
{
	HttpOptions narrow = options;
	const char *answer = NULL;
	int fd = -1;

	(void) state;
	narrow.client_requests_max = 1;
	server_restart(&narrow, &plan);
	fd = client_connect();
	client_send(fd, "GET /kept " REST "\r\n");
	kept_await(1);
	answer = ask("GET /healed " REST "\r\n");
	assert_contains(answer, "HTTP/1.1 503 ");
	assert_contains(answer, "Retry-After: 1\r\n");
	assert_prompt("a busy client");
	kept_end(1);
	assert_contains(client_receive(fd), "\r\n\r\nkept");
	assert_contains(ask("GET /healed " REST "\r\n"), "\r\n\r\nother");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knock),
		SERVER_TEST(test_silent_crowd, &served),
		SERVER_TEST(test_deaf_crowd, &served),
		SERVER_TEST(test_full_hall, &served),
		SERVER_TEST(test_full_hall_that_drains, &served),
		SERVER_TEST(test_connections_of_a_client, &served),
		SERVER_TEST(test_requests_of_a_client, &served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
