/*
 * position_mark.c
 *		FNV-1a of 64 bits: it tells topics apart, and need not withstand a forger, who could as well
 *		write events into the old topic.
 */
#include "position_mark.h"

#include <assert.h>
#include <stdio.h>

#define FNV_START UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME UINT64_C(0x00000100000001B3)

static uint64_t
hash_add(uint64_t hash, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * FNV_PRIME;
	return hash;
}

PositionMark
position_mark_make(int64_t offset, int64_t timestamp_ms, const void *value, size_t bytes)
{
	unsigned char timestamp[8];
	uint64_t hash;

	for (int i = 0; i < 8; i++)
		timestamp[i] = (unsigned char) ((uint64_t) timestamp_ms >> (8 * i));
	hash = hash_add(FNV_START, timestamp, sizeof(timestamp));
	hash = hash_add(hash, value, value == NULL ? 0 : bytes);
	return (PositionMark){.offset = offset, .hash = (int64_t) hash};
}

MarkFound
position_mark_judge(const PositionMark *mark, const PositionMark *found)
{
	assert(mark->offset >= 0 && found->offset >= mark->offset);
	if (found->offset > mark->offset)
		return MARK_MISSING;
	return found->hash == mark->hash ? MARK_STANDS : MARK_REPLACED;
}

Status
position_mark_refuse(int32_t partition, const char *why)
{
	return status_fatal(
		EXIT_CODE_CONFIGURATION,
		"partition %d of the topic is not the one that was read: %s. The topic was deleted and "
		"made anew, or its records were replaced. Restore the topic, or delete its rows in "
		"wallet_history_offsets to begin with what it has now, and fill the rest by wallet_bridge "
		"backfill",
		(int) partition, why);
}

Status
position_mark_refuse_record(int32_t partition, const PositionMark *mark)
{
	char why[80];

	snprintf(why, sizeof(why), "another record stands at offset %lld", (long long) mark->offset);
	return position_mark_refuse(partition, why);
}

Status
position_mark_refuse_end(int32_t partition, const PositionMark *mark, int64_t end_offset)
{
	char why[120];

	snprintf(why, sizeof(why), "it ends at offset %lld, and a record at %lld was applied",
			 (long long) end_offset, (long long) mark->offset);
	return position_mark_refuse(partition, why);
}
