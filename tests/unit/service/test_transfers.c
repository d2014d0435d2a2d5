/*
 * test_transfers.c
 *		The array of a batch becomes array literals that PostgreSQL reads back the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/transfers.h"

#define A	  "a0000000-0000-4000-8000-000000000001"
#define B	  "b0000000-0000-4000-8000-000000000001"
#define SIDES "\"from_wallet_id\":\"" A "\",\"to_wallet_id\":\"" B "\""

static const char *
parse(const char *text, char *values[TRANSFERS_VALUE_COUNT])
{
	static char reason[ENDPOINT_REASON_BYTES];
	const EndpointInput input = {JSON_ARRAY_VALUE, text, strlen(text), reason};

	memset(values, 0, TRANSFERS_VALUE_COUNT * sizeof(*values));
	return transfers_parse(&input, values);
}

static void
values_free(char *values[TRANSFERS_VALUE_COUNT])
{
	for (size_t i = 0; i < TRANSFERS_VALUE_COUNT; i++)
		free(values[i]);
}

static void
test_arrays(void **state)
{
	char *values[TRANSFERS_VALUE_COUNT];

	(void) state;
	assert_null(parse("[{" SIDES ",\"amount\":\"1.50\"},{" SIDES
					  ",\"amount\":7,\"idempotency_key\":\"a\\\"b\\\\,{}\"}]",
					  values));
	assert_string_equal(values[0], "{\"" A "\",\"" A "\"}");
	assert_string_equal(values[1], "{\"" B "\",\"" B "\"}");
	assert_string_equal(values[2], "{\"1.50\",\"7\"}");
	assert_string_equal(values[3], "{NULL,\"a\\\"b\\\\,{}\"}");
	values_free(values);
	/* Any integer is exact here, whatever fits into the wallet: PostgreSQL judges it. */
	assert_null(parse("[{" SIDES ",\"amount\":123456789012345678901234567890}]", values));
	assert_string_equal(values[2], "{\"123456789012345678901234567890\"}");
	values_free(values);
	assert_null(parse("[ { \"idempotency_key\" : null, " SIDES
					  ", \"\\u0061mount\" : \"\\u0031\" } ]",
					  values));
	assert_string_equal(values[2], "{\"1\"}");
	assert_string_equal(values[3], "{NULL}");
	values_free(values);
}

static void
assert_refused(const char *text, const char *reason)
{
	char *values[TRANSFERS_VALUE_COUNT];
	const char *given = parse(text, values);

	assert_non_null(given);
	if (strstr(given, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, given);
	values_free(values);
}

static void
test_reasons_name_the_item(void **state)
{
	(void) state;
	assert_refused("[]", "at least one");
	assert_refused("[[]]", "array of objects");
	assert_refused("[{" SIDES ",\"amount\":1},{" SIDES "}]", "item 2: amount is missing");
	assert_refused("[{" SIDES ",\"amount\":null}]", "item 1: amount is missing");
	assert_refused("[{" SIDES ",\"amount\":1.5}]", "item 1: amount must be a string");
	assert_refused("[{" SIDES ",\"amount\":1,\"x\":null}]", "item 1 has a member other than");
	assert_refused("[{" SIDES ",\"amount\":1,\"amount\":1}]", "item 1 has a member given twice");
	assert_refused("[{" SIDES ",\"amount\":1,\"\\u0061mount\":1}]", "given twice");
	assert_refused("[{" SIDES ",\"amount\":true}]", "item 1: amount must be a decimal number");
	assert_refused("[{" SIDES ",\"amount\":[1]}]", "item 1: amount must be a decimal number");
	assert_refused("[{\"from_wallet_id\":7}]", "item 1: from_wallet_id must be a UUID");
	assert_refused("[{" SIDES ",\"amount\":1}, 7]", "array of objects");
	assert_refused("[{" SIDES ",\"amount\":1}", "comma or end missing");
	assert_refused("[{" SIDES ",\"amount\":1,\"idempotency_key\":1}]", "must be a string");
}

static void
test_can_join(void **state)
{
	static const struct
	{
		const char *key;
		const char *version;
		const char *metadata;
		bool can_join;
	} cases[] = {
		{NULL, NULL, NULL, true},
		{"key 1 ~", "7", "{\"a\":[1.5,-2],\"e\":\"1 e\"}", true},
		{"", "999999999999999999", "{}", true},
		{"\xff", NULL, NULL, false},
		{"\xd0\xba", NULL, NULL, false},
		{NULL, "1000000000000000000", NULL, false},
		{NULL, NULL, "{\"a\":1e5}", false},
		{NULL, NULL, "{\"a\":1E999999}", false},
	};
	char large[2000];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *values[] = {A, B, "1", cases[i].key, cases[i].version, cases[i].metadata};

		assert_int_equal(transfer_can_join(values), cases[i].can_join);
	}
	memset(large, ' ', sizeof(large));
	large[0] = '{';
	large[sizeof(large) - 2] = '}';
	large[sizeof(large) - 1] = '\0';
	assert_false(transfer_can_join((const char *[]){A, B, "1", NULL, NULL, large}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_reasons_name_the_item),
		cmocka_unit_test(test_can_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
