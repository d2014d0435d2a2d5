/*
 * relation_cache.c
 *		Where the extension's tables are in this backend, what they look like and what is on them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_extension.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "errors.h"
#include "relation_cache.h"
#include "table_additions.h"

/* A table's description in a context of its own; NULL: not looked at yet. */
typedef struct CachedTable
{
	MemoryContext context;
	TableDescription *description;
	/* Cleared by invalidation, which may come at any moment; read where a table is opened. */
	bool is_valid;
} CachedTable;

static CachedTable cached_tables[WALLET_TABLES];

/* Counts invalidations, so that one that comes while a table is described is noticed. */
static uint64 invalidations = 0;

static const KnownIndex lookup_indexes[WALLET_TABLES] = {
	[TABLE_WALLETS] = INDEX_WALLETS_ID,
	[TABLE_LEDGER] = INDEX_LEDGER_KEY,
	[TABLE_HOLDS] = INDEX_HOLDS_ID,
};

static bool
description_has(const TableDescription *description, Oid relation)
{
	if (description->oid == relation)
		return true;
	for (int i = 0; i < description->index_count; i++)
		if (description->indexes[i].oid == relation)
			return true;
	return false;
}

static void
relation_cache_invalidate(Datum argument, Oid relation)
{
	for (int i = 0; i < WALLET_TABLES; i++)
	{
		CachedTable *cached = &cached_tables[i];

		if (!cached->is_valid || relation == InvalidOid ||
			description_has(cached->description, relation))
		{
			cached->is_valid = false;
			invalidations++;
		}
	}
}

void
relation_cache_init(void)
{
	CacheRegisterRelcacheCallback(relation_cache_invalidate, (Datum) 0);
}

/* Schema of the installed extension, whose version must be this library's. */
static Oid
extension_find_schema(void)
{
	Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
	Oid schema = InvalidOid;
	char *version = NULL;
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("wallet"));

	SysScanDesc scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	HeapTuple tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
	{
		bool is_null = true;
		Datum value =
			heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(catalog), &is_null);

		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
		version = is_null ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	if (version == NULL || strcmp(version, WALLET_VERSION) != 0)
		error_raise_version_mismatch(version);
	return schema;
}

/* The column c where the predicate is exactly "c IS NOT NULL", else 0. */
static AttrNumber
predicate_required_column(List *predicate)
{
	if (list_length(predicate) != 1 || !IsA(linitial(predicate), NullTest))
		return 0;

	const NullTest *test = linitial_node(NullTest, predicate);

	if (test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
		return 0;
	return ((const Var *) test->arg)->varattno;
}

/* Which of the known indexes of the table this one is, if any. */
static void
description_note_index(TableDescription *description, Relation table, Relation index,
					   const IndexInfo *info)
{
	for (int i = 0; i < KNOWN_INDEXES; i++)
		if (known_index_table(i) == description->table &&
			!OidIsValid(description->known_indexes[i]) &&
			table_index_matches(table, index, info, i, description->columns))
			description->known_indexes[i] = RelationGetRelid(index);
}

static void
description_note_keys(TableDescription *description, Relation index, TableIndex *known)
{
	const FormData_pg_index *form = index->rd_index;
	AttrNumber key = description->columns[LEDGER_IDEMPOTENCY_KEY - 1];

	known->is_of_keys = description->table == TABLE_LEDGER && !known->needs_executor &&
						form->indisunique && form->indimmediate && form->indnkeyatts == 1 &&
						form->indkey.values[0] == key && known->info->ii_ExclusionOps == NULL;
	description->key_indexes += known->is_of_keys;
	if (known->is_of_keys &&
		(form->indnatts > 1 || (known->required_column != 0 && known->required_column != key)))
		description->keys_need_row = true;
}

static void
description_add_index(TableDescription *description, Relation table, Oid oid, LOCKMODE lock)
{
	Relation relation = index_open(oid, lock);
	TableIndex *index = &description->indexes[description->index_count++];

	index->oid = oid;
	index->info = BuildIndexInfo(relation);
	index->required_column = predicate_required_column(index->info->ii_Predicate);
	/* Not yet ready for inserts: only while CREATE INDEX CONCURRENTLY runs. */
	index->needs_executor = !index->info->ii_ReadyForInserts ||
							relation->rd_rel->relam != BTREE_AM_OID ||
							index->info->ii_Expressions != NIL ||
							(index->info->ii_Predicate != NIL && index->required_column == 0);
	description_note_keys(description, relation, index);
	if (table_index_is_addition(relation, index->info))
		description->is_direct = false;
	description_note_index(description, table, relation, index->info);
	index_close(relation, NoLock);
}

static void
description_add_indexes(TableDescription *description, Relation table, LOCKMODE lock)
{
	List *oids = RelationGetIndexList(table);
	ListCell *cell;

	description->indexes = palloc0(sizeof(TableIndex) * Max(list_length(oids), 1));
	foreach (cell, oids)
		description_add_index(description, table, lfirst_oid(cell), lock);
	description->lookup_index = description->known_indexes[lookup_indexes[description->table]];
	for (int i = 0; i < KNOWN_INDEXES; i++)
		if (known_index_table(i) == description->table &&
			!OidIsValid(description->known_indexes[i]))
			description->findings =
				lappend(description->findings,
						table_finding("index", i == lookup_indexes[description->table],
									  known_index_description(i), pstrdup("missing")));
}

/* Describes the open table in the current memory context. */
static TableDescription *
table_describe(WalletTable table, Relation relation, LOCKMODE lock)
{
	TableDescription *description = palloc0(sizeof(TableDescription));
	AttrNumber *columns = description->columns;

	description->table = table;
	description->oid = RelationGetRelid(relation);
	description->schema = RelationGetNamespace(relation);
	description->findings = table_find_columns(relation, table, columns);
	description->is_plain = true;
	for (int i = 0; i < table_column_count(table); i++)
	{
		description->is_plain &= columns[i] == i + 1;
		if (columns[i] == InvalidAttrNumber)
			description->wrong_columns |= COLUMN(i + 1);
	}
	description->own_descriptor = table_own_descriptor(table);
	description->own_triggers = table_own_triggers(relation);
	description->is_direct =
		!table_has_additions(relation, table, columns, description->own_triggers);
	description->findings =
		list_concat(description->findings, table_find_obstacles(relation, table, columns));
	description_add_indexes(description, relation, lock);
	return description;
}

/* Who has the former description may use it until the transaction ends. */
static void
cached_table_replace(CachedTable *cached, MemoryContext context, TableDescription *description)
{
	if (cached->context != NULL)
		MemoryContextSetParent(cached->context, TopTransactionContext);
	MemoryContextSetParent(context, CacheMemoryContext);
	cached->context = context;
	cached->description = description;
}

/* Looks the table in the schema up again. After an invalidation on the way it stays invalid: the
 * caller loops. */
static void
relation_cache_build(WalletTable table, Oid schema, LOCKMODE lock)
{
	CachedTable *cached = &cached_tables[table];
	uint64 invalidations_before = invalidations;
	Oid oid = table_find(table, schema);

	if (!OidIsValid(oid))
		error_raise_table_missing(table_name(table));

	Relation relation = table_open(oid, lock);
	/* Under the call's context until it is whole, so that an error leaves nothing behind. */
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet relation", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TableDescription *description = table_describe(table, relation, lock);

	MemoryContextSwitchTo(caller);
	table_close(relation, NoLock);
	cached_table_replace(cached, context, description);
	cached->is_valid = invalidations == invalidations_before;
}

/* The table, open and described, if what is known of it still holds. */
static Relation
relation_cache_try(WalletTable table, Oid schema, LOCKMODE lock)
{
	CachedTable *cached = &cached_tables[table];
	Relation relation = NULL;

	if (cached->is_valid && (!OidIsValid(schema) || cached->description->schema == schema))
		relation = try_table_open(cached->description->oid, lock);
	/* Taking the lock may process an invalidation. */
	if (relation != NULL && cached->is_valid)
		return relation;
	if (relation != NULL)
		table_close(relation, NoLock);
	return NULL;
}

/* Raises the first finding that stops writing. */
static void
description_check_writing(const TableDescription *description)
{
	ListCell *cell;

	foreach (cell, description->findings)
	{
		const TableFinding *finding = lfirst(cell);

		if (finding->stops_writing)
			error_raise_shape(finding->expected, finding->actual);
	}
}

Relation
relation_cache_open(WalletTable table, const TableDescription **description)
{
	CachedTable *cached = &cached_tables[table];
	Relation relation = NULL;

	while ((relation = relation_cache_try(table, InvalidOid, RowExclusiveLock)) == NULL ||
		   !cached->description->has_version)
	{
		if (relation != NULL)
			table_close(relation, NoLock);
		relation_cache_build(table, extension_find_schema(), RowExclusiveLock);
		cached->description->has_version = true;
	}
	if (cached->description->findings != NIL)
		description_check_writing(cached->description);
	*description = cached->description;
	return relation;
}

static void
description_check_reading(const TableDescription *description, KnownIndex index, ColumnSet columns)
{
	ListCell *cell;

	foreach (cell, description->findings)
	{
		const TableFinding *finding = lfirst(cell);

		if (finding->column != 0 && (columns & COLUMN(finding->column)) != 0)
			error_raise_shape(finding->expected, finding->actual);
	}
	if (!OidIsValid(description->known_indexes[index]))
		error_raise_shape(known_index_description(index), "missing");
}

Relation
relation_cache_look(Oid schema, WalletTable table, const TableDescription **description)
{
	Relation relation = NULL;

	while ((relation = relation_cache_try(table, schema, AccessShareLock)) == NULL)
		relation_cache_build(table, schema, AccessShareLock);
	*description = cached_tables[table].description;
	return relation;
}

Relation
relation_cache_read(Oid schema, KnownIndex index, ColumnSet columns,
					const TableDescription **description)
{
	Relation relation = relation_cache_look(schema, known_index_table(index), description);

	if ((columns & (*description)->wrong_columns) != 0 ||
		!OidIsValid((*description)->known_indexes[index]))
		description_check_reading(*description, index, columns);
	return relation;
}

TupleTableSlot *
relation_cache_row(const TableDescription *description, TupleTableSlot *slot)
{
	if (description->is_plain)
		return slot;
	return relation_cache_fill(description, slot,
							   MakeSingleTupleTableSlot(description->own_descriptor,
														&TTSOpsVirtual));
}

TupleTableSlot *
relation_cache_fill(const TableDescription *description, TupleTableSlot *slot, TupleTableSlot *row)
{
	ExecClearTuple(row);
	slot_getallattrs(slot);
	for (int i = 0; i < description->own_descriptor->natts; i++)
	{
		AttrNumber column = description->columns[i];

		row->tts_isnull[i] = column == InvalidAttrNumber || slot->tts_isnull[column - 1];
		row->tts_values[i] = row->tts_isnull[i] ? (Datum) 0 : slot->tts_values[column - 1];
	}
	ExecStoreVirtualTuple(row);
	row->tts_tid = slot->tts_tid;
	return row;
}
