/*
 * partition_table.c
 *		A small array: a process has tens of partitions, not thousands.
 */
#include "partition_table.h"

#include <stdlib.h>

#define PARTITIONS_INITIAL 16

Partition *
partition_table_find(const PartitionTable *table, int32_t number)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->partitions[i].number == number)
			return &table->partitions[i];
	return NULL;
}

Partition *
partition_table_add(PartitionTable *table, int32_t number)
{
	Partition *partition = partition_table_find(table, number);

	if (partition == NULL && table->count == table->capacity)
	{
		size_t capacity = table->capacity == 0 ? PARTITIONS_INITIAL : table->capacity * 2;
		Partition *partitions = realloc(table->partitions, capacity * sizeof(*partitions));

		if (partitions == NULL)
			return NULL;
		table->partitions = partitions;
		table->capacity = capacity;
	}
	if (partition == NULL)
		partition = &table->partitions[table->count++];
	*partition = (Partition){.number = number,
							 .state = PARTITION_CLAIMING,
							 .mark = POSITION_MARK_NONE,
							 .newest = POSITION_MARK_NONE,
							 .anchor = POSITION_MARK_NONE,
							 .next_anchor = POSITION_MARK_NONE,
							 .told_offset = -1,
							 .end_offset = -1,
							 .seen_end = -1};
	return partition;
}

void
partition_table_remove(PartitionTable *table, int32_t number)
{
	Partition *partition = partition_table_find(table, number);

	if (partition != NULL)
		*partition = table->partitions[--table->count];
}

size_t
partition_table_count(const PartitionTable *table, PartitionState state)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += table->partitions[i].state == state ? 1 : 0;
	return count;
}

int64_t
partition_done_offset(const Partition *partition)
{
	/* Everything up to the end that was reached is applied: what lies between are markers. */
	if (partition->applied_offset == partition->read_offset &&
		partition->end_offset > partition->applied_offset)
		return partition->end_offset;
	return partition->applied_offset;
}

void
partition_end_see(Partition *partition, int64_t end_offset, int64_t now_us)
{
	if (partition->seen_end >= 0 && partition_done_offset(partition) < partition->seen_end)
		return;
	if (partition->seen_end >= 0)
		partition->complete_at_us = partition->seen_at_us;
	partition->seen_end = end_offset;
	partition->seen_at_us = now_us;
}

void
partition_table_free(PartitionTable *table)
{
	free(table->partitions);
	*table = (PartitionTable){.partitions = NULL};
}
