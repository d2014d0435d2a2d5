/*
 * ledger_many.c
 *		Appends many rows of the ledger at once.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ledger_many.h"
#include "origin.h"
#include "table_index.h"

/* Rows that go to the table together: as many as COPY takes. */
#define ROWS_TOGETHER 1000

/* The indexes that rows are entered into in another order than they come in. */
typedef struct SideIndex
{
	KnownIndex index;
	size_t side; /* of a LedgerRow: the offset of its wallet and version */
} SideIndex;

static const SideIndex side_indexes[] = {
	{INDEX_LEDGER_FROM, offsetof(LedgerRow, from)},
	{INDEX_LEDGER_TO, offsetof(LedgerRow, to)},
};

/* A row's place in the order of one of them. */
typedef struct SidePlace
{
	WalletOrder wallet;
	int64 version;
	LedgerRow *row;
} SidePlace;

static int
compare_places(const void *left, const void *right)
{
	const SidePlace *one = left;
	const SidePlace *other = right;

	int order = wallet_compare_order(&one->wallet, &other->wallet);

	if (order != 0)
		return order;
	return one->version < other->version ? -1 : one->version > other->version;
}

static const LedgerSide *
row_side(const LedgerRow *row, const SideIndex *side)
{
	return (const LedgerSide *) ((const char *) row + side->side);
}

/* Rows that have the side, in the order of its index. */
static SidePlace *
ledger_sort_places(LedgerRow *rows, int count, const SideIndex *side, int *place_count)
{
	SidePlace *places = palloc_extended(sizeof(SidePlace) * count, MCXT_ALLOC_HUGE);

	*place_count = 0;
	for (int i = 0; i < count; i++)
	{
		const LedgerSide *of_row = row_side(&rows[i], side);
		if (!of_row->present)
			continue;
		places[(*place_count)++] =
			(SidePlace){wallet_order(&of_row->wallet_id), of_row->version, &rows[i]};
	}
	qsort(places, *place_count, sizeof(SidePlace), compare_places);
	return places;
}

static void
ledger_enter_side(const IndexEntry *entry, LedgerRow *rows, int count, const SideIndex *side)
{
	int place_count = 0;
	SidePlace *places = ledger_sort_places(rows, count, side, &place_count);

	for (int i = 0; i < place_count; i++)
	{
		LedgerRow *row = places[i].row;
		Datum values[] = {
			UUIDPGetDatum(&row_side(row, side)->wallet_id),
			Int64GetDatum(places[i].version),
		};

		CHECK_FOR_INTERRUPTS();
		index_entry_add(entry, values, &row->tid);
	}
	pfree(places);
}

/* Writes rows, as many as there are slots at most, in memory that is free for others afterwards. */
static void
ledger_insert_together(Ledger *ledger, LedgerRow *rows, int count, TupleTableSlot **slots,
					   const Oid *others, int other_count)
{
	TupleDesc descriptor = RelationGetDescr(ledger->table);

	for (int i = 0; i < count; i++)
	{
		TupleTableSlot *values = ledger_make_row(ledger, &rows[i]);

		ExecStoreHeapTuple(heap_form_tuple(descriptor, values->tts_values, values->tts_isnull),
						   slots[i], true);
	}
	table_multi_insert(ledger->table, slots, count, GetCurrentCommandId(true), 0, NULL);
	table_index_insert_all(ledger->table, ledger->description, slots, count, others, other_count);
	for (int i = 0; i < count; i++)
	{
		rows[i].tid = slots[i]->tts_tid;
		ExecClearTuple(slots[i]);
	}
}

static void
ledger_insert_chunks(Ledger *ledger, LedgerRow *rows, int count, const Oid *others, int other_count)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet ledger rows", ALLOCSET_DEFAULT_SIZES);
	int together = Min(count, ROWS_TOGETHER);
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) * together);
	/* A copy has no references that each slot would have to count. */
	TupleDesc descriptor = CreateTupleDescCopy(RelationGetDescr(ledger->table));

	for (int i = 0; i < together; i++)
		slots[i] = MakeSingleTupleTableSlot(descriptor, &TTSOpsHeapTuple);

	MemoryContext caller = MemoryContextSwitchTo(context);

	for (int i = 0; i < count; i += together)
	{
		CHECK_FOR_INTERRUPTS();
		ledger_insert_together(ledger, rows + i, Min(together, count - i), slots, others,
							   other_count);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	for (int i = 0; i < together; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	MemoryContextDelete(context);
}

void
ledger_insert_all(Ledger *ledger, LedgerRow *rows, int count)
{
	IndexEntry entries[lengthof(side_indexes)];
	const SideIndex *sides[lengthof(side_indexes)];
	Oid others[lengthof(side_indexes)];
	int other_count = 0;

	if (count <= 1 || !ledger->description->is_direct)
	{
		for (int i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			ledger_insert(ledger, &rows[i]);
		}
		return;
	}
	origin_begin_write();
	for (int i = 0; i < lengthof(side_indexes); i++)
	{
		Oid index = ledger->description->known_indexes[side_indexes[i].index];

		if (!index_entry_begin(&entries[other_count], ledger->table, ledger->description, index, 2))
			continue;
		sides[other_count] = &side_indexes[i];
		others[other_count++] = index;
	}
	ledger_insert_chunks(ledger, rows, count, others, other_count);
	for (int i = 0; i < other_count; i++)
	{
		ledger_enter_side(&entries[i], rows, count, sides[i]);
		index_entry_end(&entries[i]);
	}
}

void
ledger_enter_keys(Ledger *ledger, LedgerRow *const *rows, int count,
				  void (*on_duplicate)(void *argument), void *argument)
{
	const TableDescription *description = ledger->description;
	IndexEntry entry;
	bool is_alone =
		description->is_direct && description->key_indexes == 1 && !description->keys_need_row &&
		index_entry_begin(&entry, ledger->table, description, description->lookup_index, 1);

	for (int i = 0; i < count; i++)
	{
		LedgerRow *row = rows[i];

		CHECK_FOR_INTERRUPTS();
		if (is_alone)
			index_entry_add_key(&entry, PointerGetDatum(row->idempotency_key), &row->tid,
								on_duplicate, argument);
		else
			ledger_enter_key(ledger, row, on_duplicate, argument);
	}
	if (is_alone)
		index_entry_end(&entry);
}
