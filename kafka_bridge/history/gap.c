/*
 * gap.c
 *		One pass over gaps and versions, both in order: each gap is cut at each version inside it.
 */
#include "gap.h"

#include <stdlib.h>
#include <string.h>

#define GAPS_INITIAL 16

static int
position_compare(const EventUuid *wallet, int64_t version, const EventUuid *other_wallet,
				 int64_t other_version)
{
	int order = memcmp(wallet, other_wallet, sizeof(*wallet));

	if (order != 0)
		return order;
	return version < other_version ? -1 : version > other_version;
}

static int
gap_compare(const void *left, const void *right)
{
	const Gap *a = left;
	const Gap *b = right;

	return position_compare(&a->wallet, a->from_version, &b->wallet, b->from_version);
}

static int
version_compare(const void *left, const void *right)
{
	const WalletVersion *a = left;
	const WalletVersion *b = right;

	return position_compare(&a->wallet, a->version, &b->wallet, b->version);
}

bool
gap_list_add(GapList *list, const Gap *gap)
{
	if (list->count == list->capacity)
	{
		size_t capacity = list->capacity == 0 ? GAPS_INITIAL : list->capacity * 2;
		Gap *gaps = realloc(list->gaps, capacity * sizeof(*gaps));

		if (gaps == NULL)
			return false;
		list->gaps = gaps;
		list->capacity = capacity;
	}
	list->gaps[list->count++] = *gap;
	return true;
}

static bool
piece_add(GapList *left, const Gap *gap, int64_t from_version, int64_t to_version)
{
	Gap piece = *gap;

	if (from_version > to_version)
		return true;
	piece.from_version = from_version;
	piece.to_version = to_version;
	return gap_list_add(left, &piece);
}

bool
gap_list_subtract(GapList *list, WalletVersion *filled, size_t filled_count, GapList *left)
{
	size_t next = 0;

	if (list->count > 0)
		qsort(list->gaps, list->count, sizeof(*list->gaps), gap_compare);
	if (filled_count > 0)
		qsort(filled, filled_count, sizeof(*filled), version_compare);
	for (size_t i = 0; i < list->count; i++)
	{
		const Gap *gap = &list->gaps[i];
		int64_t from_version = gap->from_version;
		bool to_the_end = true;

		while (next < filled_count && position_compare(&filled[next].wallet, filled[next].version,
													   &gap->wallet, gap->from_version) < 0)
			next++;
		for (; next < filled_count && position_compare(&filled[next].wallet, filled[next].version,
													   &gap->wallet, gap->to_version) <= 0;
			 next++)
		{
			int64_t version = filled[next].version;

			if (version > from_version && !piece_add(left, gap, from_version, version - 1))
				return false;
			/* No version follows the largest one: adding to it would overflow. */
			to_the_end = version < gap->to_version;
			from_version = to_the_end ? version + 1 : version;
		}
		if (to_the_end && !piece_add(left, gap, from_version, gap->to_version))
			return false;
	}
	return true;
}

void
gap_list_clear(GapList *list)
{
	list->count = 0;
}

void
gap_list_free(GapList *list)
{
	free(list->gaps);
	*list = (GapList){.gaps = NULL};
}
