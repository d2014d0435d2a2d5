/*
 * index_read.h
 *		Reading a table of the extension through one of its indexes, for the reads.
 *
 * Tables and indexes are found by name in the schema that the calling SQL function stands in, never
 * through search_path. Takes AccessShareLock only, so that it works on a standby, in read-only
 * transactions and in parallel workers; the locks stay until the end of the transaction, as those
 * of a SELECT do.
 *
 * Order of calls: index_read_begin; index_read_next until it returns false; index_read_end.
 */
#pragma once

#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

typedef struct IndexRead
{
	Relation table;
	Relation index;
	struct IndexScanDescData *scan;
	TupleTableSlot *slot; /* the row that index_read_next has found */
} IndexRead;

/* Begins to read the rows that the keys select and the active snapshot sees, in the order of the
 * index. Raises 55000 where table or index is missing or the table has not so many columns. */
extern void index_read_begin(IndexRead *read, Oid schema, const char *table, int column_count,
							 const char *index, ScanKey keys, int key_count);

extern bool index_read_next(IndexRead *read);

extern void index_read_end(IndexRead *read);
