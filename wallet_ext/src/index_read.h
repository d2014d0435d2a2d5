/*
 * index_read.h
 *		Reading a table of the extension through one of its indexes, for the reads.
 *
 * The table is found by name in the schema that the calling SQL function stands in, never through
 * search_path; its columns and the index by what they are (table_shape.h). Takes AccessShareLock
 * only, so that it works on a standby, in read-only transactions and in parallel workers; the locks
 * stay until the end of the transaction, as those of a SELECT do.
 *
 * Order of calls: index_read_begin; index_read_next until it returns false; index_read_end.
 */
#pragma once

#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "relation_cache.h"

typedef struct IndexRead
{
	Relation table;
	Relation index;
	const TableDescription *description;
	struct IndexScanDescData *scan;
	TupleTableSlot *stored; /* the row as the table has it */
	TupleTableSlot *slot;	/* the row that index_read_next has found, by own column numbers */
} IndexRead;

/* Begins to read the rows that the keys select and the active snapshot sees, in the order of the
 * index. Raises 55000 where the table, the index or one of the columns is missing or changed. */
extern void index_read_begin(IndexRead *read, Oid schema, KnownIndex index, ColumnSet columns,
							 ScanKey keys, int key_count);

extern bool index_read_next(IndexRead *read);

extern void index_read_end(IndexRead *read);
