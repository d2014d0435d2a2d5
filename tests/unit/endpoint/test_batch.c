/*
 * test_batch.c
 *		Which requests may go together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint/batch.h"

static bool
always(const char *const *values)
{
	(void) values;
	return true;
}

static bool
never(const char *const *values)
{
	(void) values;
	return false;
}

static const EndpointBatch open_batch = {.can_join = always};
static const EndpointBatch closed_batch = {.can_join = never};

/* A batch asks nobody's scope: where the operation decides which is needed, each goes by itself. */
static void
test_company(void **state)
{
	const EndpointValues values = {.count = 0};

	(void) state;
	assert_non_null(endpoint_company_of(&(const Endpoint){.batch = &open_batch}, &values));
	assert_null(endpoint_company_of(&(const Endpoint){.batch = &closed_batch}, &values));
	assert_null(endpoint_company_of(&(const Endpoint){.batch = NULL}, &values));
	assert_null(
		endpoint_company_of(&(const Endpoint){.batch = &open_batch, .outside = "SELECT true"},
							&values));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_company)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
