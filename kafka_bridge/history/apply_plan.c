/*
 * apply_plan.c
 *		One walk over the batch in the order it was read, with the newest version of each wallet
 *		carried along: duplicates, gaps and late versions inside one batch need no special case.
 */
#include "apply_plan.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING_STORED INT64_C(-1)

typedef struct PlannedInsert
{
	EventUuid wallet;
	uint32_t index;
} PlannedInsert;

static bool
plan_reserve(ApplyPlan *plan, size_t count)
{
	if (count <= plan->capacity)
		return true;

	EventUuid *unknown = realloc(plan->unknown, count * sizeof(*unknown));

	if (unknown != NULL)
		plan->unknown = unknown;

	uint32_t *inserts = realloc(plan->inserts.indexes, count * sizeof(*inserts));

	if (inserts != NULL)
		plan->inserts.indexes = inserts;

	uint32_t *compares = realloc(plan->compares.indexes, count * sizeof(*compares));

	if (compares != NULL)
		plan->compares.indexes = compares;
	if (unknown == NULL || inserts == NULL || compares == NULL)
		return false;
	plan->capacity = count;
	return true;
}

bool
apply_plan_begin(ApplyPlan *plan, const Batch *batch, VersionCache *cache)
{
	wallet_table_clear(&plan->newest);
	gap_list_clear(&plan->gaps);
	plan->unknown_count = 0;
	plan->inserts.count = 0;
	plan->compares.count = 0;
	if (!plan_reserve(plan, batch->count))
		return false;
	for (size_t i = 0; i < batch->count; i++)
	{
		const BatchRecord *record = &batch->records[i];
		int64_t newest = NOTHING_STORED;

		if (record->fault != NULL || wallet_table_find(&plan->newest, &record->wallet) != NULL)
			continue;
		if (!version_cache_get(cache, &record->wallet, &newest))
			plan->unknown[plan->unknown_count++] = record->wallet;
		if (!wallet_table_add(&plan->newest, &record->wallet, newest))
			return false;
	}
	return true;
}

void
apply_plan_newest_set(ApplyPlan *plan, const EventUuid *wallet, int64_t newest)
{
	int64_t *found = wallet_table_find(&plan->newest, wallet);

	if (found != NULL)
		*found = newest;
}

static bool
missing_versions_add(ApplyPlan *plan, const BatchRecord *record, int64_t newest)
{
	Gap gap = {.wallet = record->wallet,
			   .from_version = newest + 1,
			   .to_version = record->version - 1,
			   .partition = record->partition,
			   .offset = record->offset};

	return gap_list_add(&plan->gaps, &gap);
}

static int
insert_compare(const void *left, const void *right)
{
	const PlannedInsert *a = left;
	const PlannedInsert *b = right;
	int order = memcmp(&a->wallet, &b->wallet, sizeof(a->wallet));

	return order != 0 ? order : a->index < b->index ? -1 : a->index > b->index;
}

static bool
inserts_sort(ApplyPlan *plan, const Batch *batch)
{
	IndexList *inserts = &plan->inserts;
	PlannedInsert *sorted = malloc((inserts->count + 1) * sizeof(*sorted));

	if (sorted == NULL)
		return false;
	for (size_t i = 0; i < inserts->count; i++)
		sorted[i] =
			(PlannedInsert){batch->records[inserts->indexes[i]].wallet, inserts->indexes[i]};
	qsort(sorted, inserts->count, sizeof(*sorted), insert_compare);
	for (size_t i = 0; i < inserts->count; i++)
		inserts->indexes[i] = sorted[i].index;
	free(sorted);
	return true;
}

bool
apply_plan_classify(ApplyPlan *plan, const Batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
	{
		const BatchRecord *record = &batch->records[i];

		if (record->fault != NULL)
			continue;

		int64_t *newest = wallet_table_find(&plan->newest, &record->wallet);

		if (record->version <= *newest)
		{
			plan->compares.indexes[plan->compares.count++] = (uint32_t) i;
			continue;
		}
		if (record->version - 1 > *newest && !missing_versions_add(plan, record, *newest))
			return false;
		plan->inserts.indexes[plan->inserts.count++] = (uint32_t) i;
		*newest = record->version;
	}
	return inserts_sort(plan, batch);
}

void
apply_plan_remember(const ApplyPlan *plan, VersionCache *cache)
{
	for (size_t i = 0; i < plan->newest.count; i++)
		version_cache_put(cache, &plan->newest.entries[i].wallet, plan->newest.entries[i].value);
}

void
apply_plan_free(ApplyPlan *plan)
{
	wallet_table_free(&plan->newest);
	gap_list_free(&plan->gaps);
	free(plan->unknown);
	free(plan->inserts.indexes);
	free(plan->compares.indexes);
	*plan = (ApplyPlan){.unknown = NULL};
}
