/*
 * test_batch.c
 *		What a batch holds while records come and partitions go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/batch.h"

static int released;

static void
handle_release(void *handle)
{
	(void) handle;
	released++;
}

static const char wallet_text[] = "01943c5e-7b00-7000-8000-0123456789ab";
static const char json[] = "{}";

static Event
event_of(int64_t version)
{
	JsonSlice uuid = {wallet_text, 36};

	return (Event){.version = version,
				   .created_at_us = 1000 + version,
				   .wallet_id = uuid,
				   .user_id = {"u", 1},
				   .event_type = {"FUND", 4},
				   .amount = {"1.0000", 6},
				   .record = {json, 2}};
}

static void
add(Batch *batch, int32_t partition, int64_t offset, int64_t position)
{
	BatchSource source = {
		.partition = partition, .offset = offset, .fence = 4, .position = position, .bytes = 10};
	Event event = event_of(offset);

	assert_true(batch_add_event(batch, &source, &event));
}

static void
assert_position(const Batch *batch, int32_t partition, int64_t from_offset, int64_t next_offset)
{
	const BatchPosition *position = batch_position_find(batch, partition);

	assert_non_null(position);
	assert_true(position->fence == 4);
	assert_true(position->from_offset == from_offset);
	assert_true(position->next_offset == next_offset);
}

static void
test_positions_span_what_was_added(void **state)
{
	Batch batch = {.count = 0};

	(void) state;
	/* Offsets have holes: what counts is where the partition stood before. */
	add(&batch, 0, 12, 10);
	add(&batch, 1, 0, 0);
	add(&batch, 0, 15, 13);
	assert_int_equal(batch.count, 3);
	assert_int_equal(batch.position_count, 2);
	assert_position(&batch, 0, 10, 16);
	assert_position(&batch, 1, 0, 1);
	assert_true(batch_position_find(&batch, 0)->last_event_us == 1015);
	assert_null(batch_position_find(&batch, 2));
	batch_free(&batch, handle_release);
}

static void
test_positions_are_known_by_their_last_record(void **state)
{
	Batch batch = {.count = 0};
	BatchSource source = {.partition = 1, .offset = 7, .fence = 4, .position = 7};

	(void) state;
	source.timestamp_ms = 1000;
	source.value = (JsonSlice){"poison", 6};
	add(&batch, 0, 12, 12);
	assert_true(batch_add_poison(&batch, &source, "name", "reason"));
	add(&batch, 0, 13, 13);

	PositionMark expected = position_mark_make(7, 1000, "poison", 6);
	PositionMark mark = batch_position_mark(&batch, batch_position_find(&batch, 1));

	assert_memory_equal(&mark, &expected, sizeof(mark));
	assert_true(batch_position_mark(&batch, batch_position_find(&batch, 0)).offset == 13);
	batch_cut(&batch, 0, 13, handle_release);
	assert_true(batch_position_mark(&batch, batch_position_find(&batch, 0)).offset == 12);
	batch_cut(&batch, 0, 12, handle_release);
	assert_true(batch_position_mark(&batch, batch_position_find(&batch, 0)).offset == -1);
	batch_free(&batch, handle_release);
}

static void
test_is_full_by_records_or_bytes(void **state)
{
	Batch batch = {.count = 0};

	(void) state;
	add(&batch, 0, 0, 0);
	add(&batch, 0, 1, 1);
	assert_false(batch_is_full(&batch, &(BatchLimits){.records = 3, .bytes = 21}));
	assert_true(batch_is_full(&batch, &(BatchLimits){.records = 2, .bytes = 21}));
	assert_true(batch_is_full(&batch, &(BatchLimits){.records = 3, .bytes = 20}));
	batch_free(&batch, handle_release);
}

/* A batch that stayed full would never be handed over, and never be read into again. */
static void
test_what_is_dropped_fills_no_more(void **state)
{
	const BatchLimits limits = {.records = 100, .bytes = 30};
	Batch batch = {.count = 0};

	(void) state;
	add(&batch, 0, 0, 0);
	add(&batch, 0, 1, 1);
	add(&batch, 1, 0, 0);
	assert_true(batch_is_full(&batch, &limits));
	batch_cut(&batch, 0, 1, handle_release);
	assert_int_equal(batch.record_bytes, 20);
	assert_false(batch_is_full(&batch, &limits));
	batch_drop_partition(&batch, 0, handle_release);
	batch_drop_partition(&batch, 1, handle_release);
	assert_int_equal(batch.record_bytes, 0);
	assert_int_equal(batch.rows.length, 0);
	batch_free(&batch, handle_release);
}

static void
test_drops_a_partition(void **state)
{
	Batch batch = {.count = 0};

	(void) state;
	released = 0;
	for (int64_t offset = 0; offset < 4; offset++)
	{
		add(&batch, 0, offset, offset);
		add(&batch, 1, offset, offset);
	}
	batch_drop_partition(&batch, 0, handle_release);
	batch_drop_partition(&batch, 7, handle_release);
	assert_int_equal(released, 4);
	assert_int_equal(batch.count, 4);
	assert_int_equal(batch.position_count, 1);
	assert_position(&batch, 1, 0, 4);
	for (size_t i = 0; i < batch.count; i++)
	{
		assert_int_equal(batch.records[i].partition, 1);
		assert_true(batch.records[i].offset == (int64_t) i);
	}
	batch_free(&batch, handle_release);
	assert_int_equal(released, 8);
}

static void
test_cuts_before_a_record(void **state)
{
	Batch batch = {.count = 0};

	(void) state;
	released = 0;
	for (int64_t offset = 5; offset < 10; offset++)
		add(&batch, 0, offset, offset);
	add(&batch, 1, 7, 7);
	batch_cut(&batch, 0, 7, handle_release);
	assert_int_equal(released, 3);
	assert_int_equal(batch.count, 3);
	assert_position(&batch, 0, 5, 7);
	assert_position(&batch, 1, 7, 8);
	batch_cut(&batch, 0, 5, handle_release);
	assert_position(&batch, 0, 5, 5);
	batch_free(&batch, handle_release);
}

static void
test_rows_belong_to_records(void **state)
{
	Batch batch = {.count = 0};

	(void) state;
	add(&batch, 0, 0, 0);
	assert_true(
		batch_add_poison(&batch,
						 &(BatchSource){.partition = 0, .offset = 1, .fence = 4, .position = 1},
						 "Name", "why"));
	add(&batch, 0, 2, 2);
	assert_true(batch.records[0].row_start == 0);
	assert_true(batch.records[2].row_start == batch.records[0].row_length);
	assert_true(batch.rows.length == batch.records[2].row_start + batch.records[2].row_length);
	assert_string_equal(batch.records[1].fault->name, "Name");
	assert_string_equal(batch.records[1].fault->reason, "why");
	assert_position(&batch, 0, 0, 3);
	batch_clear(&batch, handle_release);
	assert_int_equal(batch.count, 0);
	assert_int_equal(batch.rows.length, 0);
	batch_free(&batch, handle_release);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_positions_span_what_was_added),
		cmocka_unit_test(test_positions_are_known_by_their_last_record),
		cmocka_unit_test(test_is_full_by_records_or_bytes),
		cmocka_unit_test(test_what_is_dropped_fills_no_more),
		cmocka_unit_test(test_drops_a_partition),
		cmocka_unit_test(test_cuts_before_a_record),
		cmocka_unit_test(test_rows_belong_to_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
