/*
 * batch.c
 *		Accumulation of records, and their removal when their partition goes.
 *
 * A removed record leaves its COPY row behind in the rows: the records say which count.
 */
#include "batch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_row.h"

#define RECORDS_INITIAL	  256
#define POSITIONS_INITIAL 16

/* Room for one more item; the array as it is when out of memory. */
static bool
array_reserve(void **items, size_t count, size_t *capacity, size_t item_bytes, size_t initial)
{
	if (count < *capacity)
		return true;

	size_t wanted = *capacity == 0 ? initial : *capacity * 2;
	void *grown = realloc(*items, wanted * item_bytes);

	if (grown == NULL)
		return false;
	*items = grown;
	*capacity = wanted;
	return true;
}

BatchPosition *
batch_position_find(const Batch *batch, int32_t partition)
{
	for (size_t i = 0; i < batch->position_count; i++)
		if (batch->positions[i].partition == partition)
			return &batch->positions[i];
	return NULL;
}

static bool
position_advance(Batch *batch, const BatchSource *source, int64_t event_us)
{
	BatchPosition *position = batch_position_find(batch, source->partition);

	if (position == NULL)
	{
		void *positions = batch->positions;
		bool reserved = array_reserve(&positions, batch->position_count, &batch->position_capacity,
									  sizeof(*batch->positions), POSITIONS_INITIAL);

		batch->positions = positions;
		if (!reserved)
			return false;
		position = &batch->positions[batch->position_count++];
		*position = (BatchPosition){.partition = source->partition,
									.fence = source->fence,
									.from_offset = source->position};
	}
	position->next_offset = source->offset + 1;
	if (event_us > position->last_event_us)
		position->last_event_us = event_us;
	return true;
}

static BatchRecord *
record_add(Batch *batch, const BatchSource *source)
{
	void *records = batch->records;
	bool reserved = array_reserve(&records, batch->count, &batch->capacity, sizeof(*batch->records),
								  RECORDS_INITIAL);

	batch->records = records;
	if (!reserved)
		return NULL;

	BatchRecord *record = &batch->records[batch->count++];

	*record = (BatchRecord){.handle = source->handle,
							.partition = source->partition,
							.offset = source->offset,
							.timestamp_ms = source->timestamp_ms,
							.value = source->value,
							.bytes = source->bytes};
	batch->record_bytes += source->bytes;
	return record;
}

bool
batch_add_event(Batch *batch, const BatchSource *source, const Event *event)
{
	BatchRecord *record = record_add(batch, source);

	if (record == NULL)
		return false;
	record->wallet = event->wallet;
	record->version = event->version;
	record->created_at_us = event->created_at_us;
	record->json = event->record;
	record->row_start = batch->rows.length;
	if (!event_row_append(&batch->rows, event))
		return false;
	record->row_length = batch->rows.length - record->row_start;
	return position_advance(batch, source, event->created_at_us);
}

bool
batch_record_poison(BatchRecord *record, bool by_postgres, const char *name, const char *reason)
{
	record->fault = calloc(1, sizeof(*record->fault));
	if (record->fault == NULL)
		return false;
	record->fault->by_postgres = by_postgres;
	snprintf(record->fault->name, sizeof(record->fault->name), "%s", name);
	snprintf(record->fault->reason, sizeof(record->fault->reason), "%s", reason);
	return true;
}

bool
batch_add_poison(Batch *batch, const BatchSource *source, const char *name, const char *reason)
{
	BatchRecord *record = record_add(batch, source);

	return record != NULL && batch_record_poison(record, false, name, reason) &&
		   position_advance(batch, source, 0);
}

bool
batch_is_full(const Batch *batch, const BatchLimits *limits)
{
	return batch->count >= limits->records || batch->record_bytes >= limits->bytes;
}

PositionMark
batch_position_mark(const Batch *batch, const BatchPosition *position)
{
	for (size_t i = batch->count; i-- > 0;)
	{
		const BatchRecord *record = &batch->records[i];

		if (record->partition == position->partition)
			return position_mark_make(record->offset, record->timestamp_ms, record->value.bytes,
									  record->value.length);
	}
	return POSITION_MARK_NONE;
}

const BatchRecord *
batch_poison_find(const Batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->records[i].fault != NULL)
			return &batch->records[i];
	return NULL;
}

static void
record_release(BatchRecord *record, BatchRelease release)
{
	release(record->handle);
	free(record->fault);
}

/* Keeps the order of what stays. A batch is full by what is in it, not by what was. */
static void
records_drop(Batch *batch, int32_t partition, int64_t from_offset, BatchRelease release)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
	{
		BatchRecord *record = &batch->records[i];

		if (record->partition == partition && record->offset >= from_offset)
		{
			batch->record_bytes -= record->bytes;
			record_release(record, release);
		}
		else
			batch->records[kept++] = *record;
	}
	batch->count = kept;
	if (kept == 0)
		batch->rows.length = 0;
}

void
batch_drop_partition(Batch *batch, int32_t partition, BatchRelease release)
{
	BatchPosition *position = batch_position_find(batch, partition);

	if (position == NULL)
		return;
	records_drop(batch, partition, INT64_MIN, release);
	*position = batch->positions[--batch->position_count];
}

void
batch_cut(Batch *batch, int32_t partition, int64_t offset, BatchRelease release)
{
	BatchPosition *position = batch_position_find(batch, partition);

	if (position == NULL)
		return;
	records_drop(batch, partition, offset, release);
	position->next_offset = offset;
	/* Offsets have holes: the position before the first record may lie below its offset. */
	if (position->next_offset < position->from_offset)
		position->next_offset = position->from_offset;
}

void
batch_clear(Batch *batch, BatchRelease release)
{
	for (size_t i = 0; i < batch->count; i++)
		record_release(&batch->records[i], release);
	batch->count = 0;
	batch->position_count = 0;
	batch->rows.length = 0;
	batch->record_bytes = 0;
}

void
batch_free(Batch *batch, BatchRelease release)
{
	batch_clear(batch, release);
	buffer_free(&batch->rows);
	free(batch->records);
	free(batch->positions);
	*batch = (Batch){.records = NULL};
}

void
batch_assert_sane(const Batch *batch)
{
	assert(batch->count <= batch->capacity && batch->position_count <= batch->position_capacity);
	for (size_t i = 0; i < batch->position_count; i++)
	{
		assert(batch->positions[i].fence > 0);
		assert(batch->positions[i].from_offset <= batch->positions[i].next_offset);
	}
	/* Records of one partition mostly stand side by side: its position is looked up once. */
	const BatchPosition *position = NULL;

	for (size_t i = 0; i < batch->count; i++)
	{
		const BatchRecord *record = &batch->records[i];

		if (position == NULL || position->partition != record->partition)
			position = batch_position_find(batch, record->partition);
		assert(position != NULL && record->offset >= position->from_offset &&
			   record->offset < position->next_offset);
	}
}
