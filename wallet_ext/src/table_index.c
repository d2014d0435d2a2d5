/*
 * table_index.c
 *		Enters rows written by direct table access into the indexes of their table.
 *
 * The executor builds this knowledge anew for each statement; here it is cached. Indexes of our own
 * are plain, or partial with "column IS NOT NULL"; whatever index an administrator adds is entered
 * too, by way of an executor state where it has expressions or another condition.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "foreign_code.h"
#include "table_index.h"

/* The row to enter and where to say that its key exists already. */
typedef struct TableIndexEntry
{
	Relation table;
	TupleTableSlot *slot;
	RowChange change;
	void (*on_duplicate)(void *argument);
	void *argument;
} TableIndexEntry;

static void
table_index_enter(const TableIndexEntry *entry, Relation index, IndexInfo *info, EState *estate)
{
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	FormIndexDatum(info, entry->slot, estate, values, nulls);
	index_insert(index, values, nulls, &entry->slot->tts_tid, entry->table,
				 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
				 entry->change != ROW_INSERTED, info);
}

/* Enters rows into an index that isn't ours, those that its condition wants. */
static void
table_index_enter_executed(Relation table, Relation index, TupleTableSlot **slots, int count,
						   RowChange change, EState **estate)
{
	IndexInfo *info = BuildIndexInfo(index);

	if (!info->ii_ReadyForInserts)
		return;
	if (*estate == NULL)
		*estate = CreateExecutorState();

	ExprContext *context = GetPerTupleExprContext(*estate);
	bool before = foreign_code_begin();

	PG_TRY();
	{
		ExprState *condition = ExecPrepareQual(info->ii_Predicate, *estate);

		for (int i = 0; i < count; i++)
		{
			const TableIndexEntry entry = {table, slots[i], change, NULL, NULL};

			CHECK_FOR_INTERRUPTS();
			context->ecxt_scantuple = slots[i];
			if (ExecQual(condition, context))
				table_index_enter(&entry, index, info, *estate);
			ResetPerTupleExprContext(*estate);
		}
		compat_index_insert_cleanup(index, info);
	}
	PG_FINALLY();
	{
		foreign_code_end(before);
	}
	PG_END_TRY();
}

/* Enters a row into a unique index and turns 23505 into the error of on_duplicate. */
static void
index_enter_unique(const IndexEntry *entry, Datum *values, bool *nulls, ItemPointer tid,
				   void (*on_duplicate)(void *argument), void *argument)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		index_insert(entry->index, values, nulls, tid, entry->table, UNIQUE_CHECK_YES, false,
					 entry->info);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		/* The index has let go of its buffers before raising, and on_duplicate raises as well. */
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		on_duplicate(argument);
		pg_unreachable();
	}
	PG_END_TRY();
}

/* Enters the inserted row into an index of keys. */
static void
table_index_enter_key(const TableIndexEntry *entry, Relation index, IndexInfo *info)
{
	const IndexEntry of_keys = {entry->table, index, info};
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];

	Assert(entry->change == ROW_INSERTED);
	FormIndexDatum(info, entry->slot, NULL, values, nulls);
	index_enter_unique(&of_keys, values, nulls, &entry->slot->tts_tid, entry->on_duplicate,
					   entry->argument);
}

bool
table_index_has_key(const TableDescription *description, const TupleTableSlot *row)
{
	return description->table == TABLE_LEDGER && !row->tts_isnull[LEDGER_IDEMPOTENCY_KEY - 1];
}

void
table_index_insert(Relation table, const TableDescription *description, TupleTableSlot *slot,
				   IndexChoice choice, RowChange change, void (*on_duplicate)(void *argument),
				   void *argument)
{
	const TableIndexEntry entry = {table, slot, change, on_duplicate, argument};
	EState *estate = NULL;

	for (int i = 0; i < description->index_count; i++)
	{
		const TableIndex *known = &description->indexes[i];

		if (choice != INDEXES_ALL && known->is_of_keys != (choice == INDEXES_OF_KEYS))
			continue;
		if (known->required_column != 0 && slot_attisnull(slot, known->required_column))
			continue;
		if (change == ROW_MOVED_ON_PAGE && !compat_index_is_summary(known->info))
			continue;

		Relation index = index_open(known->oid, RowExclusiveLock);

		if (known->is_of_keys && on_duplicate != NULL)
			table_index_enter_key(&entry, index, known->info);
		else if (!known->needs_executor)
			table_index_enter(&entry, index, known->info, NULL);
		else
			table_index_enter_executed(table, index, &slot, 1, change, &estate);
		index_close(index, NoLock);
	}
	if (estate != NULL)
		FreeExecutorState(estate);
}

static void
table_index_enter_all(Relation table, const TableIndex *known, Relation index,
					  TupleTableSlot **slots, int count)
{
	for (int i = 0; i < count; i++)
	{
		const TableIndexEntry entry = {table, slots[i], ROW_INSERTED, NULL, NULL};

		CHECK_FOR_INTERRUPTS();
		if (known->required_column != 0 && slot_attisnull(slots[i], known->required_column))
			continue;
		if (known->is_of_keys && !slot_attisnull(slots[i], LEDGER_IDEMPOTENCY_KEY))
			continue;
		table_index_enter(&entry, index, known->info, NULL);
	}
}

void
table_index_insert_all(Relation table, const TableDescription *description, TupleTableSlot **slots,
					   int count, const Oid *others, int other_count)
{
	EState *estate = NULL;

	for (int i = 0; i < description->index_count; i++)
	{
		const TableIndex *known = &description->indexes[i];
		bool is_left_out = false;

		for (int j = 0; j < other_count; j++)
			is_left_out |= known->oid == others[j];
		if (is_left_out)
			continue;

		Relation index = index_open(known->oid, RowExclusiveLock);

		if (known->needs_executor)
			table_index_enter_executed(table, index, slots, count, ROW_INSERTED, &estate);
		else
			table_index_enter_all(table, known, index, slots, count);
		index_close(index, NoLock);
	}
	if (estate != NULL)
		FreeExecutorState(estate);
}

bool
index_entry_begin(IndexEntry *entry, Relation table, const TableDescription *description, Oid index,
				  int columns)
{
	for (int i = 0; i < description->index_count; i++)
	{
		const TableIndex *known = &description->indexes[i];

		if (known->oid != index || known->needs_executor || known->required_column == 0 ||
			known->info->ii_NumIndexAttrs != columns)
			continue;
		entry->table = table;
		entry->index = index_open(index, RowExclusiveLock);
		entry->info = known->info;
		return true;
	}
	return false;
}

void
index_entry_add(const IndexEntry *entry, Datum *values, ItemPointer tid)
{
	bool nulls[INDEX_MAX_KEYS] = {false};

	index_insert(entry->index, values, nulls, tid, entry->table,
				 entry->info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, entry->info);
}

void
index_entry_add_key(const IndexEntry *entry, Datum key, ItemPointer tid,
					void (*on_duplicate)(void *argument), void *argument)
{
	bool is_null = false;

	index_enter_unique(entry, &key, &is_null, tid, on_duplicate, argument);
}

void
index_entry_end(const IndexEntry *entry)
{
	index_close(entry->index, NoLock);
}
