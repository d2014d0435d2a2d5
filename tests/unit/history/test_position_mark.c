/*
 * test_position_mark.c
 *		What a topic is known by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "history/position_mark.h"

/* Stored by one version and compared by the next: the hash must stay what it is. */
static void
test_hash_is_for_ever(void **state)
{
	(void) state;
	assert_true((uint64_t) position_mark_make(3, 0, NULL, 0).hash == UINT64_C(0xA8C7F832281A39C5));
	assert_true((uint64_t) position_mark_make(3, 1700000000000, "{}", 2).hash ==
				UINT64_C(0x87D3052B3F1FC7F9));
}

static void
test_hash_is_of_timestamp_and_value(void **state)
{
	PositionMark mark = position_mark_make(5, 1000, "abc", 3);

	(void) state;
	assert_true(position_mark_make(6, 1000, "abc", 3).hash == mark.hash);
	assert_true(position_mark_make(5, 1001, "abc", 3).hash != mark.hash);
	assert_true(position_mark_make(5, 1000, "abd", 3).hash != mark.hash);
	assert_true(position_mark_make(5, 1000, "ab", 2).hash != mark.hash);
}

static void
test_judge(void **state)
{
	PositionMark mark = position_mark_make(5, 1000, "abc", 3);
	PositionMark other = position_mark_make(5, 1000, "x", 1);
	PositionMark later = position_mark_make(6, 1000, "abc", 3);

	(void) state;
	assert_int_equal(position_mark_judge(&mark, &mark), MARK_STANDS);
	assert_int_equal(position_mark_judge(&mark, &other), MARK_REPLACED);
	assert_int_equal(position_mark_judge(&mark, &later), MARK_MISSING);
}

static void
test_refusals_name_what_is_wrong_and_the_ways_out(void **state)
{
	PositionMark mark = position_mark_make(5, 1000, "abc", 3);
	Status record = position_mark_refuse_record(2, &mark);
	Status end = position_mark_refuse_end(2, &mark, 4);

	(void) state;
	assert_int_equal(record.class, STATUS_FATAL);
	assert_non_null(strstr(record.text, "partition 2"));
	assert_non_null(strstr(record.text, "another record stands at offset 5"));
	assert_non_null(strstr(record.text, "wallet_bridge backfill"));
	assert_non_null(strstr(end.text, "ends at offset 4, and a record at 5 was applied"));
	assert_non_null(strstr(end.text, "wallet_history_offsets"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_is_for_ever),
		cmocka_unit_test(test_hash_is_of_timestamp_and_value),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_refusals_name_what_is_wrong_and_the_ways_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
