/*
 * test_problem.c
 *		SQLSTATE to HTTP status, and which calls are run again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/response.h"
#include "endpoint/problem.h"

static void
test_status(void **state)
{
	static const struct
	{
		const char *sqlstate;
		unsigned status;
	} cases[] = {
		{"22004", 400}, {"22P02", 400}, {"22023", 400}, {"54001", 400}, {"42501", 403},
		{"WL001", 404}, {"WL020", 404}, {"WL030", 404}, {"WL005", 409}, {"WL008", 409},
		{"WL009", 409}, {"WL011", 409}, {"WL012", 409}, {"WL021", 409}, {"WL022", 409},
		{"23505", 409}, {"WL004", 412}, {"WL002", 422}, {"WL003", 422}, {"WL006", 422},
		{"WL007", 422}, {"WL010", 422}, {"WL023", 422}, {"WL031", 422}, {"WL032", 422},
		{"40001", 503}, {"40P01", 503}, {"55P03", 503}, {"57014", 503}, {"57P01", 503},
		{"53300", 503}, {"08006", 503}, {"25006", 503}, {"XX000", 500}, {"42883", 500},
		{"23514", 500}, {"WL090", 500},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(problem_status(cases[i].sqlstate), cases[i].status);
}

static void
test_transient(void **state)
{
	(void) state;
	assert_true(problem_is_transient("40001"));
	assert_true(problem_is_transient("40P01"));
	assert_true(problem_is_transient("55P03"));
	assert_true(problem_is_transient("57014"));
	assert_false(problem_is_transient("57P01"));
	assert_false(problem_is_transient("WL002"));
}

static void
test_refusals_say_when_to_try_again(void **state)
{
	(void) state;
	for (int refusal = PG_REFUSAL_FULL; refusal <= PG_REFUSAL_STOPPING; refusal++)
	{
		HttpResponse response = {0};

		problem_from_refusal(&response, (PgRefusal) refusal);
		assert_int_equal(response.status, 503);
		assert_string_equal(response.content_type, "application/problem+json");
		assert_int_equal(response.header_count, 1);
		assert_string_equal(response.headers[0].name, "Retry-After");
		http_response_clear(&response);
	}
}

static void
test_code_is_a_member(void **state)
{
	HttpResponse response = {0};

	(void) state;
	problem_from_code(&response, "22P02", "amount \"x\" is wrong");
	assert_int_equal(response.status, 400);
	assert_string_equal(response.body,
						"{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
						"\"detail\":\"amount \\\"x\\\" is wrong\",\"code\":\"22P02\"}");
	http_response_clear(&response);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_transient),
		cmocka_unit_test(test_refusals_say_when_to_try_again),
		cmocka_unit_test(test_code_is_a_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
