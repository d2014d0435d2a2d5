/*
 * test_topic_tail.c
 *		Which events a topic bears out by its newest ones, and the text that their place has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/cloud_event.h"
#include "bridge/topic_identity.h"

static void
test_tail_has(void **state)
{
	TopicPlace places[] = {{.end_lsn = 500, .ordinal = 3}, {0}};
	TopicTail tail = {.places = places, .partition_count = 2};

	(void) state;
	assert_true(topic_tail_has(&tail, 0, 499, 9));
	assert_true(topic_tail_has(&tail, 0, 500, 0));
	assert_true(topic_tail_has(&tail, 0, 500, 3));
	assert_false(topic_tail_has(&tail, 0, 500, 4));
	assert_false(topic_tail_has(&tail, 0, 501, 0));
	/* A partition without an event of ours bears out nothing. */
	assert_false(topic_tail_has(&tail, 1, 1, 0));
	assert_false(topic_tail_has(&tail, 2, 1, 0));
	assert_false(topic_tail_has(&tail, -1, 1, 0));
}

static void
test_sequence(void **state)
{
	char text[CLOUD_EVENT_SEQUENCE_BYTES];
	uint64_t end_lsn = 0;
	uint32_t ordinal = 0;

	(void) state;
	cloud_event_sequence_write(0xABCDEF0123456789u, 0x10, text);
	assert_true(cloud_event_sequence_read(text, &end_lsn, &ordinal));
	assert_true(end_lsn == 0xABCDEF0123456789u);
	assert_int_equal(ordinal, 0x10);
	assert_false(cloud_event_sequence_read("", &end_lsn, &ordinal));
	assert_false(cloud_event_sequence_read("ABCDEF0123456789-0000001", &end_lsn, &ordinal));
	assert_false(cloud_event_sequence_read("ABCDEF012345678x-00000010", &end_lsn, &ordinal));
	assert_false(cloud_event_sequence_read("ABCDEF0123456789 00000010", &end_lsn, &ordinal));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tail_has),
		cmocka_unit_test(test_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
