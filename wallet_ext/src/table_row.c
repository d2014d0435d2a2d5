/*
 * table_row.c
 *		Writes rows of the extension's tables: directly, or the executor's way.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "executor_write.h"
#include "table_row.h"

TupleTableSlot *
table_row_make(Relation table, const TableDescription *description)
{
	TupleTableSlot *slot =
		MakeSingleTupleTableSlot(description->is_direct ? RelationGetDescr(table)
														: description->own_descriptor,
								 &TTSOpsVirtual);

	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	return slot;
}

void
table_row_insert(Relation table, const TableDescription *description, TupleTableSlot *slot)
{
	if (!description->is_direct)
	{
		executor_write_insert(table, description, slot);
		return;
	}
	table_tuple_insert(table, slot, GetCurrentCommandId(true), 0, NULL);
	table_index_insert(table, description, slot,
					   table_index_has_key(description, slot) ? INDEXES_BUT_KEYS : INDEXES_ALL,
					   ROW_INSERTED, NULL, NULL);
}

static TM_Result
row_update_directly(Relation table, const TableDescription *description, ItemPointerData tid,
					TupleTableSlot *slot, Snapshot snapshot, bool wait)
{
	UpdateIndexes update_indexes = UPDATE_INDEXES_NONE;
	LockTupleMode lock_mode = LockTupleNoKeyExclusive;
	TM_FailureData failure;
	TM_Result result =
		table_tuple_update(table, &tid, slot, GetCurrentCommandId(true), snapshot, InvalidSnapshot,
						   wait, &failure, &lock_mode, &update_indexes);

	if (result == TM_Ok && update_indexes != UPDATE_INDEXES_NONE)
		table_index_insert(table, description, slot, INDEXES_ALL,
						   UPDATE_INDEXES_ARE_SUMMARIES(update_indexes) ? ROW_MOVED_ON_PAGE
																		: ROW_MOVED,
						   NULL, NULL);
	return result;
}

TM_Result
table_row_update(Relation table, const TableDescription *description, const ItemPointerData *tid,
				 TupleTableSlot *slot, ColumnSet changed, Snapshot snapshot, bool wait)
{
	/* Without waiting is for rows that nothing but the extension sees change. */
	Assert(wait || description->is_direct);

	TM_Result result = description->is_direct
						   ? row_update_directly(table, description, *tid, slot, snapshot, wait)
						   : executor_write_update(table, description, tid, slot, changed);

	/* What was written early is written again by a later command: only a trigger of this one has
	 * come first, and no other try would change that. */
	if (wait && result == TM_SelfModified)
		error_raise_row_overtaken(table_name(description->table));
	return result;
}

void
table_row_enter_key(Relation table, const TableDescription *description, TupleTableSlot *slot,
					void (*on_duplicate)(void *argument), void *argument)
{
	TupleTableSlot *stored = slot;

	if (!description->is_direct || description->keys_need_row)
	{
		stored = table_slot_create(table, NULL);
		if (!table_tuple_fetch_row_version(table, &slot->tts_tid, SnapshotAny, stored))
			elog(ERROR, "row of table \"%s\" is gone", table_name(description->table));
	}
	table_index_insert(table, description, stored, INDEXES_OF_KEYS, ROW_INSERTED, on_duplicate,
					   argument);
	if (stored != slot)
		ExecDropSingleTupleTableSlot(stored);
}
