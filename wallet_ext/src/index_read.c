/*
 * index_read.c
 *		Reading a table of the extension through one of its indexes, for the reads.
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "index_read.h"

static Oid
relation_find(Oid schema, const char *name)
{
	Oid relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		error_raise_version_mismatch(NULL);
	return relation;
}

void
index_read_begin(IndexRead *read, Oid schema, const char *table, int column_count,
				 const char *index, ScanKey keys, int key_count)
{
	read->table = table_open(relation_find(schema, table), AccessShareLock);
	if (RelationGetNumberOfAttributes(read->table) != column_count)
		error_raise_version_mismatch(NULL);
	read->index = index_open(relation_find(schema, index), AccessShareLock);
	read->slot = table_slot_create(read->table, NULL);
	read->scan = compat_index_beginscan(read->table, read->index, GetActiveSnapshot(), key_count);
	index_rescan(read->scan, keys, key_count, NULL, 0);
}

bool
index_read_next(IndexRead *read)
{
	return index_getnext_slot(read->scan, ForwardScanDirection, read->slot);
}

void
index_read_end(IndexRead *read)
{
	index_endscan(read->scan);
	ExecDropSingleTupleTableSlot(read->slot);
	index_close(read->index, NoLock);
	table_close(read->table, NoLock);
}
