/*
 * gap.h
 *		Ranges of versions that should have come and did not, and what is left of them when some of
 *		their versions come after all. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event_reader.h"

typedef struct Gap
{
	EventUuid wallet;
	int64_t from_version; /* first and last version that is missing */
	int64_t to_version;
	int32_t partition; /* where the event stood that revealed the gap */
	int64_t offset;
	int64_t seen_at_us; /* since 1970-01-01 00:00 UTC; 0: now */
} Gap;

/* Zero-initialised is empty. */
typedef struct GapList
{
	Gap *gaps;
	size_t count;
	size_t capacity;
} GapList;

typedef struct WalletVersion
{
	EventUuid wallet;
	int64_t version;
} WalletVersion;

/* False when out of memory. */
bool gap_list_add(GapList *list, const Gap *gap);

/*
 * What is left of the gaps once these versions are there, appended to left. Sorts both inputs by
 * wallet and version. Gaps of one wallet do not overlap; versions may repeat and may lie in no gap.
 * False when out of memory.
 */
bool gap_list_subtract(GapList *list, WalletVersion *filled, size_t filled_count, GapList *left);

/* Empties it and keeps the memory. */
void gap_list_clear(GapList *list);
void gap_list_free(GapList *list);
