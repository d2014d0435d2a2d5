/*
 * table_row.h
 *		Writes rows of the extension's tables: directly, or the executor's way.
 *
 * The rows of a table that carries nothing but the extension's own are written by direct access.
 * Whatever an administrator puts on a table makes its rows go the executor's way
 * (executor_write.h), in which it acts as under plain SQL (INV-13). Both take and give the same.
 */
#pragma once

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "relation_cache.h"
#include "table_index.h"

/* A virtual slot for a row by the own numbers of its columns, all of them NULL. */
extern TupleTableSlot *table_row_make(Relation table, const TableDescription *description);

/* Inserts the row; slot->tts_tid says where. A ledger row with a key is not entered into
 * the indexes of keys. */
extern void table_row_insert(Relation table, const TableDescription *description,
							 TupleTableSlot *slot);

/* Updates the row at tid, of which the columns in changed differ; slot->tts_tid says where it is
 * now. wait: for whoever is in the way. */
extern TM_Result table_row_update(Relation table, const TableDescription *description,
								  const ItemPointerData *tid, TupleTableSlot *slot,
								  ColumnSet changed, Snapshot snapshot, bool wait);

/* Enters an inserted row, which is at slot->tts_tid and of which slot has the key at least, into
 * the indexes of keys. A duplicate calls on_duplicate, which raises. */
extern void table_row_enter_key(Relation table, const TableDescription *description,
								TupleTableSlot *slot, void (*on_duplicate)(void *argument),
								void *argument);
