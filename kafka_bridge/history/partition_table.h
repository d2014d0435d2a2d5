/*
 * partition_table.h
 *		The partitions that this process has been given, and how far each one is. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position_mark.h"

typedef enum PartitionState
{
	PARTITION_CLAIMING, /* given by the group; its position and fence are still to be had */
	PARTITION_READING,
	PARTITION_HALTED /* a policy stopped it before a record; stays so until restart */
} PartitionState;

typedef struct Partition
{
	int32_t number;
	PartitionState state;
	int64_t fence;
	PositionMark mark;	 /* that must be met before anything is read on; none: it was */
	PositionMark newest; /* what was applied last */
	PositionMark anchor; /* what was applied a while ago, and is to be found where it was */
	PositionMark next_anchor;
	int64_t read_offset;	/* of the next record to be read: after all batches in memory */
	int64_t applied_offset; /* of the next record to be applied */
	int64_t told_offset;	/* what Kafka was told last, for the lag tools */
	int64_t end_offset;		/* where the partition's end was when it was reached, -1: never */
	int64_t seen_end;		/* where the partition's end was at seen_at_us, -1: not known */
	int64_t seen_at_us;
	int64_t complete_at_us; /* all that it held then is applied, 0: not known */
} Partition;

/* Zero-initialised is empty. */
typedef struct PartitionTable
{
	Partition *partitions; /* in no order */
	size_t count;
	size_t capacity;
} PartitionTable;

/* NULL when it is not in the table. Valid until the next addition or removal. */
Partition *partition_table_find(const PartitionTable *table, int32_t number);

/* Adds a partition in state CLAIMING, or resets the one there is. NULL when out of memory. */
Partition *partition_table_add(PartitionTable *table, int32_t number);

void partition_table_remove(PartitionTable *table, int32_t number);

size_t partition_table_count(const PartitionTable *table, PartitionState state);

/* Everything before it is applied, or is a control record. */
int64_t partition_done_offset(const Partition *partition);

/* The partition ends there now, which is -1 where nobody knows. */
void partition_end_see(Partition *partition, int64_t end_offset, int64_t now_us);

void partition_table_free(PartitionTable *table);
