/*
 * late_events.c
 *		Of several copies of an absent version the first one is stored and the others are compared
 *		with it: at most one more round, because nothing is absent any more then.
 */
#include "late_events.h"

#include <stdlib.h>
#include <string.h>

#include "event_store.h"

/* Records still to be settled, in the order they were read. */
typedef struct Pending
{
	uint32_t *indexes;
	size_t count;
	EventComparison *comparisons; /* one per index */
} Pending;

static bool
late_reserve(LateEvents *late, Pending *pending, const IndexList *known)
{
	size_t count = known->count;

	late->conflicts.indexes = malloc(count * sizeof(*late->conflicts.indexes));
	late->filled = malloc(count * sizeof(*late->filled));
	pending->indexes = malloc(count * sizeof(*pending->indexes));
	pending->comparisons = malloc(count * sizeof(*pending->comparisons));
	if (late->conflicts.indexes == NULL || late->filled == NULL || pending->indexes == NULL ||
		pending->comparisons == NULL)
		return false;
	memcpy(pending->indexes, known->indexes, count * sizeof(*pending->indexes));
	pending->count = count;
	return true;
}

static void
pending_free(Pending *pending)
{
	free(pending->indexes);
	free(pending->comparisons);
}

/* Counts what is decided and keeps the absent ones. */
static void
decided_count(LateEvents *late, Pending *pending)
{
	size_t absent = 0;

	for (size_t i = 0; i < pending->count; i++)
	{
		uint32_t index = pending->indexes[i];

		if (pending->comparisons[i] == EVENT_SAME)
			late->duplicates++;
		else if (pending->comparisons[i] == EVENT_DIFFERENT)
			late->conflicts.indexes[late->conflicts.count++] = index;
		else
			pending->indexes[absent++] = index;
	}
	pending->count = absent;
}

typedef struct Copy
{
	WalletVersion at;
	uint32_t index;
} Copy;

static int
copy_compare(const void *left, const void *right)
{
	const Copy *a = left;
	const Copy *b = right;
	int order = memcmp(&a->at.wallet, &b->at.wallet, sizeof(a->at.wallet));

	if (order != 0)
		return order;
	if (a->at.version != b->at.version)
		return a->at.version < b->at.version ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Splits the absent records: first copies into firsts, the rest stays pending. */
static bool
first_copies_split(LateEvents *late, const Batch *batch, Pending *pending, uint32_t *firsts,
				   size_t *first_count)
{
	Copy *copies = malloc(pending->count * sizeof(*copies));
	size_t rest = 0;

	if (copies == NULL)
		return false;
	for (size_t i = 0; i < pending->count; i++)
	{
		const BatchRecord *record = &batch->records[pending->indexes[i]];

		copies[i] = (Copy){{record->wallet, record->version}, pending->indexes[i]};
	}
	qsort(copies, pending->count, sizeof(*copies), copy_compare);
	*first_count = 0;
	for (size_t i = 0; i < pending->count; i++)
	{
		bool first = i == 0 || copies[i - 1].at.version != copies[i].at.version ||
					 memcmp(&copies[i - 1].at.wallet, &copies[i].at.wallet,
							sizeof(copies[i].at.wallet)) != 0;

		if (!first)
		{
			pending->indexes[rest++] = copies[i].index;
			continue;
		}
		late->filled[late->filled_count++] = copies[i].at;
		firsts[(*first_count)++] = copies[i].index;
	}
	pending->count = rest;
	free(copies);
	return true;
}

static Status
absent_store(LateEvents *late, const HistorySession *session, const Wait *wait, const Batch *batch,
			 Pending *pending)
{
	uint32_t *firsts = malloc(pending->count * sizeof(*firsts));
	size_t first_count = 0;
	Status status;

	if (firsts != NULL && first_copies_split(late, batch, pending, firsts, &first_count))
		status =
			event_store_copy(session, wait, (EventSelection){batch, firsts, first_count}, "", "");
	else
		status = status_bug("out of memory");
	free(firsts);
	return status;
}

Status
late_events_settle(LateEvents *late, const HistorySession *session, const Wait *wait,
				   const Batch *batch, const IndexList *known)
{
	Pending pending = {.count = 0};
	Status status = status_ok();

	if (known->count == 0)
		return status;
	if (!late_reserve(late, &pending, known))
		status = status_bug("out of memory");
	while (pending.count > 0 && status_is_ok(&status))
	{
		status = event_store_compare(session, wait,
									 (EventSelection){batch, pending.indexes, pending.count},
									 pending.comparisons);
		if (!status_is_ok(&status))
			break;
		decided_count(late, &pending);
		if (pending.count > 0)
			status = absent_store(late, session, wait, batch, &pending);
	}
	pending_free(&pending);
	return status;
}

void
late_events_free(LateEvents *late)
{
	free(late->conflicts.indexes);
	free(late->filled);
	*late = (LateEvents){.duplicates = 0};
}
