/*
 * http_server.h
 *		The server that http_client.h asks: each test of a SERVER_TEST has one of its own.
 *
 * To be included after cmocka.h.
 */
#pragma once

#include "http/server.h"
#include "http_client.h"

/* What every test of a file begins with. */
typedef struct Served
{
	const HttpOptions *options;
	const HttpPlan *plan;
	void (*reset)(void); /* what handlers left of the test before; or NULL */
} Served;

#define SERVER_TEST(test, served) \
	cmocka_unit_test_prestate_setup_teardown(test, server_begin, server_end, served)

static int
server_begin(void **state)
{
	const Served *served = *state;

	if (served->reset != NULL)
		served->reset();

	Status status = http_server_start(served->options, served->plan, &server);

	return !status_is_ok(&status);
}

static int
server_end(void **state)
{
	(void) state;
	http_server_stop(&server);
	return server != NULL;
}

/* Another one in its place. */
static void
server_restart(const HttpOptions *options, const HttpPlan *plan)
{
	http_server_stop(&server);

	Status status = http_server_start(options, plan, &server);

	assert_true(status_is_ok(&status));
}
