/*
 * test_secret.c
 *		Passwords in every shape they come in are hidden, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"

typedef struct MaskCase
{
	const char *text;
	const char *masked;
} MaskCase;

static const MaskCase cases[] = {
	{"", ""},
	{"postgresql://u:pw@h:5432/d", "postgresql://u:***@h:5432/d"},
	{"postgresql://u:p@w:x@h/d", "postgresql://u:***@h/d"},
	{"postgresql://u:p/w?#'\"x@h/d", "postgresql://u:***@h/d"},
	{"postgresql://:pw@h/d", "postgresql://:***@h/d"},
	{"postgresql://u@h:5432/d", "postgresql://u@h:5432/d"},
	{"postgresql://h:5432/d", "postgresql://h:5432/d"},
	{"postgresql://u:a@h1 and postgresql://u:b@h2",
	 "postgresql://u:***@h1 and postgresql://u:***@h2"},
	{"postgresql://h/d?user=u&password=pw&sslmode=require",
	 "postgresql://h/d?user=u&password=***&sslmode=require"},
	{"host=h password=pw dbname=d", "host=h password=*** dbname=d"},
	{"host=h password = 'p w\\' x' dbname=d", "host=h password = *** dbname=d"},
	{"PASSWORD=pw", "PASSWORD=***"},
	{"sslpassword=pw", "sslpassword=***"},
	{"PGPASSWORD=pw psql", "PGPASSWORD=*** psql"},
	{"sasl.password=pw,security.protocol=ssl", "sasl.password=***,security.protocol=ssl"},
	{"ssl.key.pem=abc", "ssl.key.pem=***"},
	{"{\"password\":\"p\\\"w\",\"x\":1}", "{\"password\":***,\"x\":1}"},
	{"password=", "password="},
	{"password authentication failed for user \"u\"",
	 "password authentication failed for user \"u\""},
	{"wallet_key=1 idempotency_key=2", "wallet_key=1 idempotency_key=2"},
	{"12:30:00 a@b", "12:30:00 a@b"},
};

static void
test_cases(void **state)
{
	char masked[256];
	char twice[256];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		secret_text_mask(cases[i].text, masked, sizeof(masked));
		assert_string_equal(masked, cases[i].masked);
		secret_text_mask(masked, twice, sizeof(twice));
		assert_string_equal(twice, masked);
	}
}

static void
test_result_is_cut_not_overrun(void **state)
{
	const char *text = "postgresql://u:pw@h/d password=pw";
	char whole[64];

	(void) state;
	secret_text_mask(text, whole, sizeof(whole));
	for (size_t bytes = 1; bytes <= sizeof(whole); bytes++)
	{
		char masked[sizeof(whole) + 1];

		memset(masked, '#', sizeof(masked));
		secret_text_mask(text, masked, bytes);
		assert_int_equal(masked[bytes], '#');
		assert_int_equal(strncmp(masked, whole, strlen(masked)), 0);
	}
}

static void
test_names(void **state)
{
	(void) state;
	assert_true(secret_name_check("sasl.password"));
	assert_true(secret_name_check("ssl.key.pem"));
	assert_true(secret_name_check("sasl.oauthbearer.client.secret"));
	assert_true(secret_name_check("SASL_JAAS.CONFIG"));
	assert_false(secret_name_check("sasl.username"));
	assert_false(secret_name_check("ssl.key.location"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_result_is_cut_not_overrun),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
