/*
 * batch.h
 *		Records read from Kafka that will be applied in one transaction, and the positions after
 *		them. Pure: what a record's handle is, only its owner knows.
 *
 * Words: a record is an event or poison; its place is partition and offset; a position says how far
 * a partition is applied before and after the batch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "event_reader.h"
#include "position_mark.h"

#define BATCH_FAULT_NAME_BYTES	 64
#define BATCH_FAULT_REASON_BYTES 512

/* Why a record is poison. */
typedef struct BatchFault
{
	char name[BATCH_FAULT_NAME_BYTES];
	char reason[BATCH_FAULT_REASON_BYTES];
	bool by_postgres; /* refused there, not by the event's reader */
	bool delivered;	  /* its dead letter is acknowledged */
} BatchFault;

typedef struct BatchRecord
{
	void *handle; /* the owner's */
	int32_t partition;
	int64_t offset;
	int64_t timestamp_ms; /* Kafka's */
	JsonSlice value;	  /* inside the handle's record */
	BatchFault *fault;	  /* NULL: an event, and the fields below are set */
	EventUuid wallet;
	int64_t version;
	int64_t created_at_us;
	JsonSlice json;	  /* inside the handle's record */
	size_t row_start; /* of its COPY row in the batch's rows */
	size_t row_length;
	size_t bytes; /* of key and value */
} BatchRecord;

typedef struct BatchPosition
{
	int32_t partition;
	int64_t fence;		   /* what makes this process the owner */
	int64_t from_offset;   /* applied before the batch */
	int64_t next_offset;   /* applied after it */
	int64_t last_event_us; /* created_at of its newest event, 0: none */
} BatchPosition;

/* Zero-initialised is empty. */
typedef struct Batch
{
	BatchRecord *records; /* in the order they were read */
	size_t count;
	size_t capacity;
	BatchPosition *positions;
	size_t position_count;
	size_t position_capacity;
	Buffer rows;		 /* of COPY, of the events */
	size_t record_bytes; /* of keys and values held */
	const char *source;	 /* of its events, "": none yet; its owner's */
} Batch;

typedef struct BatchLimits
{
	size_t records;
	size_t bytes;
} BatchLimits;

/* Where a record comes from: the position is that of its partition before the record. */
typedef struct BatchSource
{
	void *handle;
	int32_t partition;
	int64_t offset;
	int64_t fence;
	int64_t position;
	int64_t timestamp_ms;
	JsonSlice value;
	size_t bytes; /* of key and value */
} BatchSource;

typedef void (*BatchRelease)(void *handle);

/* Both take over source->handle. False when out of memory: the process should end. */
bool batch_add_event(Batch *batch, const BatchSource *source, const Event *event);
bool batch_add_poison(Batch *batch, const BatchSource *source, const char *name,
					  const char *reason);

/* A record turns out to be poison. False when out of memory. */
bool batch_record_poison(BatchRecord *record, bool by_postgres, const char *name,
						 const char *reason);

/* True when no more records should be added. */
bool batch_is_full(const Batch *batch, const BatchLimits *limits);

/* Position of a partition, or NULL. */
BatchPosition *batch_position_find(const Batch *batch, int32_t partition);

/* What a position is known by: the newest record before it; none where the batch has none. */
PositionMark batch_position_mark(const Batch *batch, const BatchPosition *position);

/* The first record that is poison, or NULL. Valid until the batch changes. */
const BatchRecord *batch_poison_find(const Batch *batch);

/* Drops a partition's records, and its position. */
void batch_drop_partition(Batch *batch, int32_t partition, BatchRelease release);

/* Drops the partition's records from this offset on; its position ends before it. */
void batch_cut(Batch *batch, int32_t partition, int64_t offset, BatchRelease release);

/* Empties it and keeps the memory. */
void batch_clear(Batch *batch, BatchRelease release);
void batch_free(Batch *batch, BatchRelease release);

/* That every record lies behind its partition's position, in order, and positions go forward. */
void batch_assert_sane(const Batch *batch);
