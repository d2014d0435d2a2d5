/*
 * test_event_set.c
 *		The set that verify compares ledger and topic with; texts of CloudEvents headers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/cloud_event.h"
#include "bridge/event_set.h"

static void
id_write(char id[37], int number)
{
	snprintf(id, 37, "%08x-0000-5000-8000-000000000000", (unsigned) number * 2654435761u);
}

static void
test_matches(void **state)
{
	(void) state;

	EventSet *set = event_set_new();
	char id[37];
	char example[37] = "";

	for (int i = 0; i < 5000; i++)
	{
		id_write(id, i);
		assert_true(event_set_add(set, id, id, 36));
	}
	assert_int_equal(event_set_count(set), 5000);
	for (int i = 1; i < 5000; i++)
	{
		id_write(id, i);
		assert_int_equal(event_set_match(set, id, id, 36), EVENT_SET_SAME);
		assert_int_equal(event_set_match(set, id, id, 36), EVENT_SET_AGAIN);
		assert_int_equal(event_set_match(set, id, id, 35), EVENT_SET_DIFFERENT);
	}
	id_write(id, 5000);
	assert_int_equal(event_set_match(set, id, id, 36), EVENT_SET_UNKNOWN);
	assert_int_equal(event_set_count_unmatched(set, example), 1);
	id_write(id, 0);
	assert_string_equal(example, id);
	event_set_free(set);
}

static void
test_time_text(void **state)
{
	(void) state;

	char text[CLOUD_EVENT_TIME_BYTES];

	cloud_event_time_write(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	cloud_event_time_write(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	cloud_event_time_write(951782400000001, text);
	assert_string_equal(text, "2000-02-29T00:00:00.000001Z");
	cloud_event_time_write(1795391163123456, text);
	assert_string_equal(text, "2026-11-22T23:46:03.123456Z");
	cloud_event_time_write(253402300799999999, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void
test_sequence_text(void **state)
{
	(void) state;

	char text[CLOUD_EVENT_SEQUENCE_BYTES];

	cloud_event_sequence_write(0x16B3748, 1, text);
	assert_string_equal(text, "00000000016B3748-00000001");
	cloud_event_sequence_write(UINT64_MAX, UINT32_MAX, text);
	assert_string_equal(text, "FFFFFFFFFFFFFFFF-FFFFFFFF");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_time_text),
		cmocka_unit_test(test_sequence_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
