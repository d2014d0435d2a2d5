/*
 * test_route.c
 *		Paths against patterns: parameters, decoding, precedence, 404 and 405.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/route.h"

static const HttpRoute routes[] = {
	{"GET", "/health", NULL, NULL},		  {"GET", "/wallets/{id}/history", NULL, NULL},
	{"GET", "/wallets/{id}", NULL, NULL}, {"POST", "/wallets/{id}", NULL, NULL},
	{"GET", "/wallets/all", NULL, NULL},  {"POST", "/{a}/{b}/{c}/{d}", NULL, NULL},
};

static HttpMatch match;

static HttpMatchResult
ask(const char *method, const char *path)
{
	return http_route_match(routes, sizeof(routes) / sizeof(routes[0]), method, path, &match);
}

static void
assert_route(const char *method, const char *path, size_t route)
{
	assert_int_equal(ask(method, path), HTTP_MATCH_FOUND);
	assert_ptr_equal(match.route, &routes[route]);
}

static void
test_words_and_parameters(void **state)
{
	(void) state;
	assert_route("GET", "/health", 0);
	assert_route("HEAD", "/health", 0);
	assert_route("GET", "/wallets/w1/history", 1);
	assert_int_equal(match.parameter_count, 1);
	assert_string_equal(match.parameters[0].name, "id");
	assert_string_equal(match.parameters[0].value, "w1");
	assert_route("POST", "/wallets/w1", 3);
	assert_route("POST", "/1/2/3/4", 5);
	assert_int_equal(match.parameter_count, 4);
	assert_string_equal(match.parameters[3].name, "d");
	assert_string_equal(match.parameters[3].value, "4");
}

static void
test_word_wins(void **state)
{
	(void) state;
	assert_route("GET", "/wallets/all", 4);
	assert_int_equal(match.parameter_count, 0);
	assert_route("POST", "/wallets/all", 3);
	assert_string_equal(match.parameters[0].value, "all");
}

static void
test_decoding(void **state)
{
	(void) state;
	assert_route("GET", "/wallets/a%2Fb%20%c3%a4+", 2);
	assert_string_equal(match.parameters[0].value, "a/b \xc3\xa4+");
	assert_int_equal(ask("GET", "/wallets/%00"), HTTP_MATCH_NO_PATH);
	assert_int_equal(ask("GET", "/wallets/%"), HTTP_MATCH_NO_PATH);
	assert_int_equal(ask("GET", "/wallets/%4"), HTTP_MATCH_NO_PATH);
	assert_int_equal(ask("GET", "/wallets/%4g"), HTTP_MATCH_NO_PATH);
	assert_route("GET", "/wallets/%41", 2);
	assert_string_equal(match.parameters[0].value, "A");
}

static void
test_no_path(void **state)
{
	static const char *const paths[] = {"",
										"/",
										"health",
										"/health/",
										"//health",
										"/healthy",
										"/HEALTH",
										"/wallets",
										"/wallets/",
										"/wallets//history",
										"/wallets/w1/history/",
										"/wallets/w1/other",
										"*",
										"/1/2/3/4/5"};

	(void) state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (ask("GET", paths[i]) != HTTP_MATCH_NO_PATH)
			fail_msg("\"%s\" matched", paths[i]);
}

static void
test_no_method(void **state)
{
	(void) state;
	assert_int_equal(ask("POST", "/health"), HTTP_MATCH_NO_METHOD);
	assert_string_equal(match.allow, "GET, HEAD");
	assert_int_equal(ask("DELETE", "/wallets/all"), HTTP_MATCH_NO_METHOD);
	assert_string_equal(match.allow, "GET, HEAD, POST");
	assert_int_equal(ask("get", "/health"), HTTP_MATCH_NO_METHOD);
}

static void
test_long_segment_matches_nothing(void **state)
{
	char path[HTTP_PARAMETER_BYTES_MAX + 32] = "/wallets/";
	size_t prefix = strlen(path);

	(void) state;
	memset(path + prefix, 'x', HTTP_PARAMETER_BYTES_MAX - 1);
	assert_route("GET", path, 2);
	assert_int_equal(strlen(match.parameters[0].value), HTTP_PARAMETER_BYTES_MAX - 1);
	path[prefix + HTTP_PARAMETER_BYTES_MAX - 1] = 'x';
	assert_int_equal(ask("GET", path), HTTP_MATCH_NO_PATH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_parameters),
		cmocka_unit_test(test_word_wins),
		cmocka_unit_test(test_decoding),
		cmocka_unit_test(test_no_path),
		cmocka_unit_test(test_no_method),
		cmocka_unit_test(test_long_segment_matches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
