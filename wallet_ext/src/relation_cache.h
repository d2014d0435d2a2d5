/*
 * relation_cache.h
 *		Where the extension's tables are in this backend, what they look like and what is on them.
 *
 * Tables are found by the extension's own schema, never through search_path. Only OIDs and plain
 * descriptions are kept, never Relation pointers; a relcache invalidation of a table or of one of
 * its indexes makes the next opening look again (DROP and CREATE EXTENSION, REINDEX CONCURRENTLY,
 * ALTER TABLE, CREATE TRIGGER, a new index), in the middle of a transaction too.
 *
 * Order of calls: relation_cache_init() once; per operation relation_cache_open() of each table,
 * per read relation_cache_read(). Locks stay until the end of the transaction, as those of a
 * statement do.
 */
#pragma once

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

#include "table_shape.h"

/* One index of a table. */
typedef struct TableIndex
{
	Oid oid;
	IndexInfo *info;
	/* The only condition of a partial index "WHERE column IS NOT NULL"; 0 without such a one. */
	AttrNumber required_column;
	/* Not a btree, or with expressions or another condition: none of ours. Such an index may keep
	 * state in its IndexInfo and needs one of its own for each call. */
	bool needs_executor;
	/* Unique on the ledger's key alone: beside the extension's own its copy while it is built
	 * anew, or one of somebody else's. */
	bool is_of_keys;
} TableIndex;

/* A table and its indexes; valid until the end of the transaction, whatever is invalidated. */
typedef struct TableDescription
{
	WalletTable table;
	Oid oid;
	Oid schema;
	bool has_version;	/* the extension's version is known to be the library's */
	bool is_direct;		/* nothing but the extension's own is on it: rows are written directly */
	bool is_plain;		/* the own columns have their own numbers */
	List *findings;		/* TableFinding */
	List *own_triggers; /* OIDs */
	ColumnSet wrong_columns;
	AttrNumber columns[TABLE_COLUMNS_MAX]; /* by own number - 1: where it stands; 0: nowhere */
	TupleDesc own_descriptor;			   /* the own columns alone */
	int index_count;
	TableIndex *indexes;
	Oid known_indexes[KNOWN_INDEXES]; /* those of this table; InvalidOid: missing */
	int key_indexes;				  /* of keys: how many */
	bool keys_need_row;				  /* an index of keys has or asks for more than the key */
	/* The index the operations look rows up by: of wallets and holds by id, of the ledger by key.
	 * */
	Oid lookup_index;
} TableDescription;

extern void relation_cache_init(void);

/* Opens the table with the lock that an INSERT or UPDATE takes. Close with NoLock. Raises 55000
 * where the library doesn't match the SQL objects, or something on the table can't be honoured. */
extern Relation relation_cache_open(WalletTable table, const TableDescription **description);

/* Opens the table in the schema, whatever its findings; works on a standby too. Close with NoLock.
 * */
extern Relation relation_cache_look(Oid schema, WalletTable table,
									const TableDescription **description);

/* Opens the table in the schema for reading the columns by the index; works on a standby too. Close
 * with NoLock. Raises 55000 where one of them is missing or changed. */
extern Relation relation_cache_read(Oid schema, KnownIndex index, ColumnSet columns,
									const TableDescription **description);

/* The row in slot by the own numbers of its columns, as far as they are there: slot itself, or a
 * new slot that points into it. */
extern TupleTableSlot *relation_cache_row(const TableDescription *description,
										  TupleTableSlot *slot);

/* Does the same into a slot of own_descriptor. */
extern TupleTableSlot *relation_cache_fill(const TableDescription *description,
										   TupleTableSlot *slot, TupleTableSlot *row);
