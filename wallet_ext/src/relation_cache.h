/*
 * relation_cache.h
 *		Where the extension's tables are in this backend: OIDs and what their indexes need.
 *
 * Tables are found by the extension's own schema, never through search_path. Only OIDs and plain
 * descriptions are kept, never Relation pointers; a relcache invalidation of any of them makes the
 * next opening look again (DROP and CREATE EXTENSION, REINDEX CONCURRENTLY, a new index).
 *
 * Order of calls: relation_cache_init() once; per operation relation_cache_open() of each table.
 * Locks stay until the end of the transaction, as those of an UPDATE do.
 */
#pragma once

#include "nodes/execnodes.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

typedef enum WalletTable
{
	TABLE_WALLETS,
	TABLE_LEDGER,
	TABLE_HOLDS,
} WalletTable;

#define WALLET_TABLES 3

/* Columns of the tables, in the order of schema/tables.sql. */
#define WALLETS_COLUMNS 12
#define LEDGER_COLUMNS	38
#define HOLDS_COLUMNS	8

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
} TableIndex;

/* A table and its indexes; valid until the next relation_cache_open() of any table. */
typedef struct TableDescription
{
	Oid oid;
	int index_count;
	TableIndex *indexes;
	/* The index the operations look rows up by: wallets_pkey, wallet_ledger_key_idx,
	 * wallet_holds_pkey. */
	Oid lookup_index;
} TableDescription;

extern void relation_cache_init(void);

/* Opens the table with the lock that an INSERT or UPDATE takes. Close with NoLock. Raises 55000
 * where the library doesn't match the SQL objects. */
extern Relation relation_cache_open(WalletTable table, const TableDescription **description);
