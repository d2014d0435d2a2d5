/*
 * test_progress_record.c
 *		Key and value of the progress topic: what is written is read back, rubbish is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/lsn.h"
#include "bridge/progress_record.h"

static void
test_key_round_trip(void **state)
{
	(void) state;

	ProgressKey key = {.system_id = 18446744073709551615u,
					   .database_oid = 4294967295u,
					   .slot = "wallet_bridge"};
	ProgressKey read;
	char text[PROGRESS_KEY_BYTES];
	size_t bytes = progress_key_write(&key, text);

	assert_string_equal(text, "18446744073709551615/4294967295/wallet_bridge");
	assert_true(progress_key_read(text, bytes, &read));
	assert_true(read.system_id == key.system_id);
	assert_int_equal(read.database_oid, key.database_oid);
	assert_string_equal(read.slot, key.slot);
}

static void
test_key_rubbish(void **state)
{
	(void) state;

	static const char *const rubbish[] = {"", "1", "1/2", "1/2/", "a/b/c", "/2/x", NULL};
	ProgressKey key;
	char huge[500];

	for (int i = 0; rubbish[i] != NULL; i++)
		assert_false(progress_key_read(rubbish[i], strlen(rubbish[i]), &key));
	memset(huge, '7', sizeof(huge));
	assert_false(progress_key_read(huge, sizeof(huge), &key));
	memcpy(huge, "1/2/", 4);
	assert_false(progress_key_read(huge, 100, &key)); /* a slot name of 96 characters */
}

static void
test_record_round_trip(void **state)
{
	(void) state;

	ProgressRecord record = {.state = PROGRESS_STREAMING,
							 .generation = PROGRESS_GENERATION_MAX,
							 .lsn = 0xABCDEF0123456789u,
							 .timeline = 3,
							 .partition_count = 6,
							 .options = "format=frame",
							 .topic = "wallet-events",
							 .topic_id = "kF8fSsDRQ0iT5Wz-e1xZpA",
							 .mark = {.partition = 2,
									  .offset = 17,
									  .event_id = "0b7e9c1e-0000-5000-8000-0123456789ab"},
							 .inside = {.end_lsn = 0xABCDEF0123456790u, .events = 9},
							 .event_lsn = 0xABCDEF0123456700u,
							 .since_ms = 1764460800000};
	ProgressRecord read;
	char text[PROGRESS_VALUE_BYTES];
	size_t bytes = progress_record_write(&record, text);

	assert_string_equal(text,
						"{\"v\":1,\"generation\":9007199254740992,"
						"\"state\":\"streaming\",\"lsn\":\"ABCDEF01/23456789\","
						"\"timeline\":3,\"options\":\"format=frame\",\"partitions\":6,"
						"\"topic\":\"wallet-events\",\"since\":1764460800000,"
						"\"topic_id\":\"kF8fSsDRQ0iT5Wz-e1xZpA\",\"mark\":{\"partition\":2,"
						"\"offset\":17,\"event_id\":\"0b7e9c1e-0000-5000-8000-0123456789ab\"},"
						"\"inside\":{\"lsn\":\"ABCDEF01/23456790\",\"events\":9},"
						"\"event_lsn\":\"ABCDEF01/23456700\"}");
	assert_true(progress_record_read(text, bytes, &read));
	assert_int_equal(read.state, PROGRESS_STREAMING);
	assert_true(read.generation == record.generation);
	assert_true(read.lsn == record.lsn);
	assert_int_equal(read.timeline, 3);
	assert_int_equal(read.partition_count, 6);
	assert_string_equal(read.options, "format=frame");
	assert_string_equal(read.topic, "wallet-events");
	assert_string_equal(read.topic_id, record.topic_id);
	assert_int_equal(read.mark.partition, 2);
	assert_int_equal(read.mark.offset, 17);
	assert_string_equal(read.mark.event_id, record.mark.event_id);
	assert_true(read.since_ms == record.since_ms);
	assert_true(read.inside.end_lsn == record.inside.end_lsn);
	assert_int_equal(read.inside.events, 9);
	assert_true(read.event_lsn == record.event_lsn);
}

static void
test_record_needs(void **state)
{
	ProgressRecord record = {.lsn = 10};

	(void) state;
	assert_true(progress_record_needs(&record) == 10); /* of an earlier version */
	record.event_lsn = 7;
	assert_true(progress_record_needs(&record) == 7);
	record.inside = (ProgressInside){.end_lsn = 30, .events = 2};
	assert_true(progress_record_needs(&record) == 30);
}

/* Positions as "lsn", "lsn inside/events"; the later of both, and what it has. */
static void
test_record_never_goes_back(void **state)
{
	static const struct
	{
		uint64_t lsn;
		ProgressInside inside;
		uint64_t other_lsn;
		ProgressInside other;
		uint64_t raised;
		ProgressInside raised_inside;
	} cases[] = {
		{10, {0, 0}, 20, {0, 0}, 20, {0, 0}},
		{20, {0, 0}, 10, {0, 0}, 20, {0, 0}},
		{10, {30, 5}, 10, {30, 7}, 10, {30, 7}},
		{10, {30, 7}, 10, {30, 5}, 10, {30, 7}},
		/* Begun again behind the split commit. */
		{10, {30, 7}, 5, {0, 0}, 10, {30, 7}},
		{10, {30, 7}, 5, {10, 2}, 10, {30, 7}},
		/* A keepalive between; then its end. */
		{10, {30, 7}, 25, {0, 0}, 25, {30, 7}},
		{10, {30, 7}, 30, {0, 0}, 30, {0, 0}},
		{10, {30, 7}, 30, {50, 1}, 30, {50, 1}},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ProgressRecord record = {.lsn = cases[i].lsn, .inside = cases[i].inside};

		progress_record_raise(&record, cases[i].other_lsn, cases[i].other);
		assert_true(record.lsn == cases[i].raised);
		assert_true(record.inside.end_lsn == cases[i].raised_inside.end_lsn);
		assert_int_equal(record.inside.events, cases[i].raised_inside.events);
	}
}

static void
test_record_has(void **state)
{
	ProgressRecord record = {.lsn = 10, .inside = {.end_lsn = 30, .events = 7}};

	(void) state;
	assert_true(progress_record_has(&record, 9, 100));
	assert_true(progress_record_has(&record, 10, 100));
	assert_false(progress_record_has(&record, 20, 0));
	assert_true(progress_record_has(&record, 30, 6));
	assert_false(progress_record_has(&record, 30, 7));
	assert_false(progress_record_has(&record, 31, 0));
}

static void
test_record_rubbish(void **state)
{
	(void) state;

	static const char *const rubbish[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"state\":\"streaming\"}",
		"{\"v\":1,\"generation\":1,\"state\":\"dancing\",\"lsn\":\"0/1\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\"}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1/2\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\"}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":-1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\"}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1.5,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\"}",
		"{\"v\":1,\"generation\":9007199254740993,\"state\":\"setup\",\"lsn\":\"0/1\","
		"\"timeline\":1,\"options\":\"\",\"partitions\":6,\"topic\":\"t\"}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\",\"mark\":{\"partition\":0,\"offset\":1,"
		"\"event_id\":\"\\\"},\"}}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\",\"mark\":7}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\",\"since\":-1}",
		"{\"v\":1,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1,\"options\":\"\","
		"\"partitions\":6,\"topic\":\"t\",\"event_lsn\":\"0/2\"}",
		NULL,
	};
	ProgressRecord record;

	for (int i = 0; rubbish[i] != NULL; i++)
		assert_false(progress_record_read(rubbish[i], strlen(rubbish[i]), &record));
}

static void
test_unknown_members_are_ignored(void **state)
{
	(void) state;

	const char *text =
		"{\"v\":2,\"generation\":1,\"state\":\"setup\",\"lsn\":\"0/1\",\"timeline\":1,"
		"\"options\":\"\",\"partitions\":6,\"topic\":\"t\",\"later\":{}}";
	ProgressRecord record;

	assert_true(progress_record_read(text, strlen(text), &record));
	assert_int_equal(record.state, PROGRESS_SETUP);
}

static void
test_lsn(void **state)
{
	(void) state;

	uint64_t lsn = 0;
	char text[LSN_TEXT_BYTES];

	assert_true(lsn_read("16/B374D848", &lsn));
	assert_true(lsn == 0x16B374D848u);
	assert_string_equal(lsn_write(lsn, text), "16/B374D848");
	assert_false(lsn_read("16", &lsn));
	assert_false(lsn_read("16/", &lsn));
	assert_false(lsn_read("16/B374D848 ", &lsn));
	assert_false(lsn_read("0/123456789", &lsn));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_round_trip),
		cmocka_unit_test(test_key_rubbish),
		cmocka_unit_test(test_record_round_trip),
		cmocka_unit_test(test_record_never_goes_back),
		cmocka_unit_test(test_record_needs),
		cmocka_unit_test(test_record_has),
		cmocka_unit_test(test_record_rubbish),
		cmocka_unit_test(test_unknown_members_are_ignored),
		cmocka_unit_test(test_lsn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
