/*
 * test_event_row.c
 *		Events as lines of COPY: what is escaped, what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/event_row.h"

static void
assert_row(const char *user_id, const char *json, const char *expected_user,
		   const char *expected_json)
{
	static const char id[] = "6f9619ff-8b86-5011-b42d-00c04fc964ff";
	static const char wallet[] = "01943c5e-7b00-7000-8000-0123456789ab";
	static const char transaction[] = "01943c5e-7b01-7000-8000-000000000001";
	Event event = {.version = INT64_MAX,
				   .event_id = {id, 36},
				   .wallet_id = {wallet, 36},
				   .transaction_id = {transaction, 36},
				   .user_id = {user_id, strlen(user_id)},
				   .event_type = {"A\\tB", 4},
				   .amount = {"999999999999999.9999", 20},
				   .created_at = {"2026-11-22T23:46:03.123456Z", 27},
				   .record = {json, strlen(json)}};
	Buffer rows = {.length = 0};
	char expected[1024];

	snprintf(expected, sizeof(expected),
			 "%s\t%s\t%s\t999999999999999.9999\tA\\tB\t%s\t2026-11-22T23:46:03.123456Z\t%s\t"
			 "9223372036854775807\n",
			 id, wallet, expected_user, transaction, expected_json);
	assert_true(event_row_append(&rows, &event));
	assert_true(event_row_append(&rows, &event));
	assert_int_equal(rows.length, 2 * strlen(expected));
	assert_memory_equal(rows.bytes, expected, strlen(expected));
	assert_memory_equal(rows.bytes + strlen(expected), expected, strlen(expected));
	buffer_free(&rows);
}

static void
test_plain(void **state)
{
	(void) state;
	assert_row("alice", "{\"a\":1}", "alice", "{\"a\":1}");
	assert_row("", "{}", "", "{}");
}

/* JSON's escapes of a string are resolved, then COPY's own are put in. */
static void
test_strings_are_decoded_then_escaped(void **state)
{
	(void) state;
	assert_row("a\\nb\\t\\r\\\\c\\\"", "{}", "a\\nb\\t\\r\\\\c\"", "{}");
	assert_row("\\\\N", "{}", "\\\\N", "{}");
	assert_row("\\u00e4\\uD83D\\uDE00", "{}", "\xC3\xA4\xF0\x9F\x98\x80", "{}");
	assert_row("\\\\\\\\\\\\", "{}", "\\\\\\\\\\\\", "{}");
}

/* The JSON stays as received: only COPY's escapes are added. */
static void
test_json_is_only_escaped(void **state)
{
	(void) state;
	assert_row("a", "{\"a\":\"\\n\\\\\"}", "a", "{\"a\":\"\\\\n\\\\\\\\\"}");
	assert_row("a", "{\n\t\"a\":1\r}", "a", "{\\n\\t\"a\":1\\r}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_strings_are_decoded_then_escaped),
		cmocka_unit_test(test_json_is_only_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
