/*
 * test_event_row.c
 *		Events as rows of COPY in binary format. That PostgreSQL reads them so is seen in the system
 *		tests, which compare every row with the ledger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/event_row.h"

#define COLUMN_USER	  2
#define COLUMN_AMOUNT 3
#define COLUMN_TIME	  6
#define COLUMN_JSON	  7

static Event
event_of(const char *user_id, const char *amount, const char *json)
{
	return (Event){.id = {{1, 2, 3}},
				   .wallet = {{4, 5, 6}},
				   .transaction = {{7, 8, 9}},
				   .version = INT64_MAX,
				   .created_at_us = INT64_C(946684800000000) - 1,
				   .user_id = {user_id, strlen(user_id)},
				   .event_type = {"A\\tB", 4},
				   .amount = {amount, strlen(amount)},
				   .record = {json, strlen(json)}};
}

/* A column of the row that begins there, and its length. */
static const char *
column_find(const char *row, int column, size_t *length)
{
	const unsigned char *at = (const unsigned char *) row;

	assert_memory_equal(at, "\0\x09", 2);
	at += 2;
	for (;; column--)
	{
		*length = (size_t) at[0] << 24 | (size_t) at[1] << 16 | (size_t) at[2] << 8 | at[3];
		at += 4;
		if (column == 0)
			return (const char *) at;
		at += *length;
	}
}

static void
assert_column(const Event *event, int column, const void *expected, size_t expected_length)
{
	Buffer rows = {.length = 0};
	size_t length = 0;

	assert_true(event_row_append(&rows, event));
	assert_memory_equal(column_find(rows.bytes, column, &length), expected, expected_length);
	assert_int_equal(length, expected_length);
	/* The last column ends where the row does. */
	assert_ptr_equal(column_find(rows.bytes, 8, &length) + length, rows.bytes + rows.length);
	buffer_free(&rows);
}

static void
test_rows_follow_each_other(void **state)
{
	Event event = event_of("alice", "1.0000", "{\"a\":1}");
	Buffer rows = {.length = 0};
	static const char row[] = "\0\x09"
							  "\0\0\0\x10\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0"
							  "\0\0\0\x10\x04\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0"
							  "\0\0\0\x05"
							  "alice"
							  "\0\0\0\x0a\0\x01\0\0\0\0\0\x04\0\x01"
							  "\0\0\0\x03"
							  "A\tB"
							  "\0\0\0\x10\x07\x08\x09\0\0\0\0\0\0\0\0\0\0\0\0\0"
							  "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff"
							  "\0\0\0\x08\x01{\"a\":1}"
							  "\0\0\0\x08\x7f\xff\xff\xff\xff\xff\xff\xff";

	(void) state;
	assert_true(event_row_append(&rows, &event) && event_row_append(&rows, &event));
	assert_int_equal(rows.length, 2 * (sizeof(row) - 1));
	assert_memory_equal(rows.bytes, row, sizeof(row) - 1);
	assert_memory_equal(rows.bytes + sizeof(row) - 1, row, sizeof(row) - 1);
	buffer_free(&rows);
}

/* Digits of base 10000 with their number, weight, sign and scale before them. */
static void
test_amounts(void **state)
{
	static const struct
	{
		const char *text;
		const char *numeric;
		size_t length;
	} amounts[] = {
		{"0.0000", "\0\0\0\0\0\0\0\4", 8},
		{"0.0001", "\0\1\xff\xff\0\0\0\4\0\1", 10},
		{"0.9999", "\0\1\xff\xff\0\0\0\4\x27\x0f", 10},
		{"1.0000", "\0\1\0\0\0\0\0\4\0\1", 10},
		{"1.0001", "\0\2\0\0\0\0\0\4\0\1\0\1", 12},
		{"9999.0000", "\0\1\0\0\0\0\0\4\x27\x0f", 10},
		{"10000.0000", "\0\1\0\1\0\0\0\4\0\1", 10},
		{"10000.0001", "\0\3\0\1\0\0\0\4\0\1\0\0\0\1", 14},
		{"12345678.9000", "\0\3\0\1\0\0\0\4\x04\xd2\x16\x2e\x23\x28", 14},
		{"100000000000000.0000", "\0\1\0\3\0\0\0\4\0\x64", 10},
		{"999999999999999.9999", "\0\5\0\3\0\0\0\4\x03\xe7\x27\x0f\x27\x0f\x27\x0f\x27\x0f", 18},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++)
	{
		Event event = event_of("a", amounts[i].text, "{}");

		assert_column(&event, COLUMN_AMOUNT, amounts[i].numeric, amounts[i].length);
	}
}

static void
assert_user(const char *user_id, const char *expected)
{
	Event event = event_of(user_id, "1.0000", "{}");

	assert_column(&event, COLUMN_USER, expected, strlen(expected));
}

static void
test_strings_are_decoded(void **state)
{
	(void) state;
	assert_user("", "");
	assert_user("a\\nb\\t\\r\\\\c\\\"", "a\nb\t\r\\c\"");
	assert_user("\\\\N", "\\N");
	assert_user("\\u00e4\\uD83D\\uDE00", "\xC3\xA4\xF0\x9F\x98\x80");
}

/* The JSON stays as received. */
static void
test_json_is_not_touched(void **state)
{
	Event event = event_of("a", "1.0000", "{\n\t\"a\":\"\\n\\\\\"\r}");

	(void) state;
	assert_column(&event, COLUMN_JSON, "\1{\n\t\"a\":\"\\n\\\\\"\r}", 16);
	event.created_at_us = INT64_C(946684800000001);
	assert_column(&event, COLUMN_TIME, "\0\0\0\0\0\0\0\1", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_follow_each_other),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_strings_are_decoded),
		cmocka_unit_test(test_json_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
