/*
 * table_index.h
 *		Enters rows written by direct table access into the indexes of their table.
 *
 * Each row that is inserted or moved must be entered, right after it is written.
 */
#pragma once

#include "executor/tuptable.h"

#include "relation_cache.h"

typedef enum RowChange
{
	ROW_INSERTED,
	ROW_MOVED,		   /* an update that was not heap-only */
	ROW_MOVED_ON_PAGE, /* a heap-only update that summarizing indexes must see */
} RowChange;

/* A ledger row's key is entered after all rows of its call, in the order of keys. */
typedef enum IndexChoice
{
	INDEXES_ALL,
	INDEXES_BUT_KEYS,
	INDEXES_OF_KEYS,
} IndexChoice;

/* Whether the row, by own numbers, is one of the ledger with a key. */
extern bool table_index_has_key(const TableDescription *description, const TupleTableSlot *row);

/* Enters the row in slot, whose tts_tid is set, into the chosen indexes that the change concerns. A
 * duplicate raises 23505; in an index of keys on_duplicate, if given, raises instead. */
extern void table_index_insert(Relation table, const TableDescription *description,
							   TupleTableSlot *slot, IndexChoice choice, RowChange change,
							   void (*on_duplicate)(void *argument), void *argument);

/* Enters directly inserted rows, which are at their slots' tts_tid, into all indexes but the
 * others, and those with a key not into indexes of keys. */
extern void table_index_insert_all(Relation table, const TableDescription *description,
								   TupleTableSlot **slots, int count, const Oid *others,
								   int other_count);

/* One index, entered with many rows one after the other: in its own order that is fastest. */
typedef struct IndexEntry
{
	Relation table;
	Relation index;
	IndexInfo *info;
} IndexEntry;

/* Opens the index; false where it isn't one of the table's, or wants more of a row than the columns
 * of its key, which are as many as that and must not be NULL. */
extern bool index_entry_begin(IndexEntry *entry, Relation table,
							  const TableDescription *description, Oid index, int columns);

/* Enters the row at tid. A duplicate raises 23505. */
extern void index_entry_add(const IndexEntry *entry, Datum *values, ItemPointer tid);

/* Does the same in an index of keys, which has one column; on_duplicate raises instead. */
extern void index_entry_add_key(const IndexEntry *entry, Datum key, ItemPointer tid,
								void (*on_duplicate)(void *argument), void *argument);

extern void index_entry_end(const IndexEntry *entry);
