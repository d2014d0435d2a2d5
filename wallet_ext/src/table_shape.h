/*
 * table_shape.h What the extension's tables must look like: columns by name and type, indexes by
 * their columns.
 *
 * A table is somebody's table: columns may have been added, dropped and altered, indexes renamed
 * and built anew. What is missing or changed is a finding: an error names the first one that
 * matters to the call, and wallet_check() lists all of them.
 */
#pragma once

#include "access/tupdesc.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "table_columns.h"

/* The indexes that rows are looked up by. */
typedef enum KnownIndex
{
	INDEX_WALLETS_ID,
	INDEX_LEDGER_KEY,
	INDEX_LEDGER_LEGS,
	INDEX_LEDGER_FROM,
	INDEX_LEDGER_TO,
	INDEX_LEDGER_REVERSES,
	INDEX_HOLDS_ID,
	INDEX_HOLDS_OPEN,
	INDEX_HOLDS_EXPIRY,
	INDEX_HOLDS_WALLET,
} KnownIndex;

#define KNOWN_INDEXES 10

typedef struct TableFinding
{
	const char *check;	/* its name in wallet_check(); NULL: wallet_check_guards tells it */
	AttrNumber column;	/* 0: it isn't about a column */
	bool stops_writing; /* the operations refuse */
	char *expected;
	char *actual;
} TableFinding;

extern const char *table_name(WalletTable table);

/* The extension's table in the schema; InvalidOid where it is gone, whoever has taken its name. */
extern Oid table_find(WalletTable table, Oid schema);
extern Oid table_find_named(const char *name, Oid schema);

extern int table_column_count(WalletTable table);
extern const char *table_column_name(WalletTable table, AttrNumber column);
extern bool table_column_is_required(WalletTable table, AttrNumber column);

/* The extension's own columns alone. */
extern TupleDesc table_own_descriptor(WalletTable table);

extern WalletTable known_index_table(KnownIndex index);

/* "unique index on wallets (id)" */
extern char *known_index_description(KnownIndex index);

extern TableFinding *table_finding(const char *check, bool stops_writing, char *expected,
								   char *actual);

/* Where the own columns stand in the relation: numbers[own number - 1], 0 for one that is missing
 * or of another type. Returns the findings. */
extern List *table_find_columns(Relation relation, WalletTable table, AttrNumber *numbers);

/* Whether the index can serve as the known one. */
extern bool table_index_matches(Relation relation, Relation index, const IndexInfo *info,
								KnownIndex known, const AttrNumber *numbers);

/* An expression on the relation as SQL, whatever the session's settings. */
extern char *table_expression_text(Relation relation, Node *expression);
