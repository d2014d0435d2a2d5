/*
 * index_read.c
 *		Reading a table of the extension through one of its indexes, for the reads.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "index_read.h"

void
index_read_begin(IndexRead *read, Oid schema, KnownIndex index, ColumnSet columns, ScanKey keys,
				 int key_count)
{
	read->table = relation_cache_read(schema, index, columns, &read->description);
	read->index = index_open(read->description->known_indexes[index], AccessShareLock);
	read->stored = table_slot_create(read->table, NULL);
	read->slot = read->description->is_plain
					 ? read->stored
					 : MakeSingleTupleTableSlot(read->description->own_descriptor, &TTSOpsVirtual);
	/* A text has the collation of the index. */
	for (int i = 0; i < key_count; i++)
		keys[i].sk_collation = read->index->rd_indcollation[keys[i].sk_attno - 1];
	read->scan = compat_index_beginscan(read->table, read->index, GetActiveSnapshot(), key_count);
	index_rescan(read->scan, keys, key_count, NULL, 0);
}

bool
index_read_next(IndexRead *read)
{
	if (!index_getnext_slot(read->scan, ForwardScanDirection, read->stored))
		return false;
	if (read->slot != read->stored)
		(void) relation_cache_fill(read->description, read->stored, read->slot);
	return true;
}

void
index_read_end(IndexRead *read)
{
	index_endscan(read->scan);
	if (read->slot != read->stored)
		ExecDropSingleTupleTableSlot(read->slot);
	ExecDropSingleTupleTableSlot(read->stored);
	index_close(read->index, NoLock);
	table_close(read->table, NoLock);
}
