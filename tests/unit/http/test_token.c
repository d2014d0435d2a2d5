/*
 * test_token.c
 *		Which tokens may be configured, whom they let in, and for what.
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

#include "http/token.h"

#define FIRST  "abcdefghijklmnop"
#define SECOND "ABC-._~+/=0123456789"
#define BOTH   FIRST "," SECOND
/* sha256sum of FIRST */
#define FIRST_HASH "f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf"
#define ENTRY(name, hash, scopes) \
	"{\"name\":\"" name "\",\"sha256\":\"" hash "\",\"scopes\":" scopes "}"

static Status
list_read(const char *tokens, HttpTokens **made)
{
	return http_tokens_new(&(const HttpTokenOptions){tokens, NULL, NULL}, made);
}

static char path[64];

static Status
file_read(bool is_list, const char *text, HttpTokens **made)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return http_tokens_new(&(const HttpTokenOptions){NULL, is_list ? NULL : path,
													 is_list ? path : NULL},
						   made);
}

static void
test_lists(void **state)
{
	static const char *const bad[] = {
		"",
		"abcdefghijklmno",
		FIRST ",",
		"," FIRST,
		FIRST ",short",
		FIRST " " SECOND,
		FIRST "\xc3\xa4",
		FIRST "," FIRST,
	};
	static const char *const good[] = {FIRST, BOTH};
	HttpTokens *made = NULL;
	Status status;

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		status = list_read(good[i], &made);
		assert_true(status_is_ok(&status));
		http_tokens_free(made);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		status = list_read(bad[i], &made);
		assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
		assert_null(made);
	}
	status = list_read(NULL, &made);
	assert_true(status_is_ok(&status));
	assert_null(made);
}

static void
test_accepts_each_token(void **state)
{
	static const char *const headers[] = {"Bearer " FIRST, "bearer  " SECOND};
	static const char *const refused[] = {
		NULL,
		"",
		"Bearer",
		"Bearer ",
		"Basic " FIRST,
		FIRST,
		"Bearer " FIRST "x",
		"Bearer abcdefghijklmno",
		"Bearer " BOTH,
		"Bearer " FIRST FIRST,
		"Bearer " FIRST " ",
	};
	HttpTokens *made = NULL;
	Status status = list_read(BOTH, &made);

	(void) state;
	assert_true(status_is_ok(&status));
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
	{
		HttpCaller caller = {0};

		assert_true(http_tokens_find(made, headers[i], &caller));
		assert_int_equal(caller.scopes, HTTP_SCOPE_ALL);
		assert_string_equal(caller.name, "");
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		HttpCaller caller = {0};

		assert_false(http_tokens_find(made, refused[i], &caller));
		assert_int_equal(caller.scopes, 0);
	}
	http_tokens_free(made);
}

static void
test_file_with_tokens(void **state)
{
	HttpTokens *made = NULL;
	HttpCaller caller = {0};
	Status status = file_read(false, BOTH "\n", &made);

	(void) state;
	assert_true(status_is_ok(&status));
	assert_true(http_tokens_find(made, "Bearer " SECOND, &caller));
	assert_int_equal(caller.scopes, HTTP_SCOPE_ALL);
	http_tokens_free(made);
	status = file_read(false, "short\n", &made);
	assert_non_null(strstr(status.text, "BEARER_TOKEN_FILE"));
	unlink(path);
	status = http_tokens_new(&(const HttpTokenOptions){NULL, path, NULL}, &made);
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	status = http_tokens_new(&(const HttpTokenOptions){NULL, NULL, path}, &made);
	assert_non_null(strstr(status.text, "TOKENS_FILE"));
}

static void
test_file_with_scopes(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[1]",
		"[{}]",
		"[" ENTRY("", FIRST_HASH, "[\"read\"]") "]",
		"[" ENTRY("two words", FIRST_HASH, "[\"read\"]") "]",
		"[" ENTRY("a", "f39d", "[\"read\"]") "]",
		"[" ENTRY("a", FIRST_HASH, "[]") "]",
		"[" ENTRY("a", FIRST_HASH, "[\"all\"]") "]",
		"[" ENTRY("a", FIRST_HASH, "\"read\"") "]",
		"[" ENTRY("a", FIRST_HASH, "[\"read\"],\"tenant\":\"x\"") "]",
		"[" ENTRY("a", FIRST_HASH, "[\"read\"]") "," ENTRY("b", FIRST_HASH, "[\"read\"]") "]",
		"[" ENTRY("a", FIRST_HASH, "[\"read\"]") "," ENTRY(
			"a", "039dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf",
			"[\"read\"]") "]",
	};
	HttpTokens *made = NULL;
	HttpCaller caller = {0};
	Status status =
		file_read(true, "[" ENTRY("shop.1", FIRST_HASH, "[\"read\",\"transfer\"]") "]\n", &made);

	(void) state;
	assert_true(status_is_ok(&status));
	assert_true(http_tokens_find(made, "Bearer " FIRST, &caller));
	assert_string_equal(caller.name, "shop.1");
	assert_int_equal(caller.scopes, HTTP_SCOPE_READ | HTTP_SCOPE_TRANSFER);
	http_tokens_free(made);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		status = file_read(true, bad[i], &made);
		if (status_is_ok(&status))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
		assert_non_null(strstr(status.text, "TOKENS_FILE"));
	}
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_accepts_each_token),
		cmocka_unit_test(test_file_with_tokens),
		cmocka_unit_test(test_file_with_scopes),
	};

	snprintf(path, sizeof(path), "/tmp/wallet-test-tokens.%d", (int) getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
