/*
 * test_token.c
 *		Which tokens may be configured and which requests they let in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/token.h"

#define FIRST  "abcdefghijklmnop"
#define SECOND "ABC-._~+/=0123456789"
#define BOTH   FIRST "," SECOND

static void
test_lists(void **state)
{
	(void) state;
	assert_null(http_tokens_check(FIRST));
	assert_null(http_tokens_check(BOTH));
	assert_non_null(http_tokens_check(""));
	assert_non_null(http_tokens_check("abcdefghijklmno"));
	assert_non_null(http_tokens_check(FIRST ","));
	assert_non_null(http_tokens_check("," FIRST));
	assert_non_null(http_tokens_check(FIRST ",short"));
	assert_non_null(http_tokens_check(FIRST " " SECOND));
	assert_non_null(http_tokens_check(FIRST "\xc3\xa4"));
}

static void
test_accepts_each_token(void **state)
{
	(void) state;
	assert_true(http_token_accept(FIRST, "Bearer " FIRST));
	assert_true(http_token_accept(BOTH, "Bearer " FIRST));
	assert_true(http_token_accept(BOTH, "bearer  " SECOND));
}

static void
test_refuses_everything_else(void **state)
{
	static const char *const headers[] = {
		NULL,
		"",
		"Bearer",
		"Bearer ",
		"Bearer abcdefghijklmno",
		FIRST,
		"Basic " FIRST,
		"Bearer " BOTH,
		"Bearer " FIRST "q",
		"Bearer " FIRST ",",
		"Bearer ,",
		"Bearer " FIRST " ",
		"Bearer" FIRST,
		"Bearer Abcdefghijklmnop",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_false(http_token_accept(BOTH, headers[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_accepts_each_token),
		cmocka_unit_test(test_refuses_everything_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
