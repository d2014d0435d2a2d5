/*
 * test_connection.c
 *		Whoever waits for a place hears of each that is free again, however it came to be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/wake.h"
#include "http/connection.h"

#define TIMEOUT_MS 60000

static HttpConnections *connections;
static int pair[2];

static const struct sockaddr_in from = {.sin_family = AF_INET};

static int
places_begin(void **state)
{
	(void) state;
	connections = http_connections_new(&(const HttpConnectionLimits){.most = 2, .per_client = 1});
	return connections == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0;
}

static int
places_end(void **state)
{
	(void) state;
	http_connections_free(connections);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static HttpConnection *
visitor_add(void)
{
	return http_connection_add(connections, HTTP_PLACE_HALL, pair[0],
							   (const struct sockaddr *) (const void *) &from, TIMEOUT_MS);
}

/* Both places are taken, and somebody waits for one. */
static void
places_fill(void)
{
	struct pollfd room = {.fd = http_connections_room_fd(connections), .events = POLLIN};

	while (http_connections_admit(connections, HTTP_PLACE_HALL))
		;
	assert_int_equal(poll(&room, 1, 0), 0);
}

static void
assert_room(void)
{
	struct pollfd room = {.fd = http_connections_room_fd(connections), .events = POLLIN};

	assert_int_equal(poll(&room, 1, 0), 1);
	wake_take(room.fd);
	assert_true(http_connections_admit(connections, HTTP_PLACE_HALL));
	assert_false(http_connections_admit(connections, HTTP_PLACE_HALL));
}

static void
test_one_that_goes(void **state)
{
	HttpConnection *visitor = NULL;

	(void) state;
	places_fill();
	visitor = visitor_add();
	assert_non_null(visitor);
	http_connection_remove(connections, visitor);
	assert_room();
}

static void
test_one_that_the_library_does_not_take(void **state)
{
	(void) state;
	places_fill();
	http_connections_come(connections, HTTP_PLACE_HALL);
	assert_room();
}

static void
test_one_that_its_client_has_no_room_for(void **state)
{
	HttpConnection *visitor = NULL;

	(void) state;
	places_fill();
	visitor = visitor_add();
	assert_non_null(visitor);
	http_connection_work(connections, visitor, true);
	assert_null(visitor_add());
	assert_room();
	http_connection_remove(connections, visitor);
}

int
main(void)
{
#define PLACES_TEST(test) cmocka_unit_test_setup_teardown(test, places_begin, places_end)
	const struct CMUnitTest tests[] = {
		PLACES_TEST(test_one_that_goes),
		PLACES_TEST(test_one_that_the_library_does_not_take),
		PLACES_TEST(test_one_that_its_client_has_no_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
