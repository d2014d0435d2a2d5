/*
 * relation_cache.c
 *		Where the extension's tables are in this backend: OIDs and what their indexes need.
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

typedef struct TableDefinition
{
	const char *name;
	const char *lookup_index;
	int columns;
} TableDefinition;

static const TableDefinition table_definitions[WALLET_TABLES] = {
	[TABLE_WALLETS] = {"wallets", "wallets_pkey", WALLETS_COLUMNS},
	[TABLE_LEDGER] = {"wallet_ledger", "wallet_ledger_key_idx", LEDGER_COLUMNS},
	[TABLE_HOLDS] = {"wallet_holds", "wallet_holds_pkey", HOLDS_COLUMNS},
};

/* Lives as long as the backend; reset when a table is looked up again. */
static MemoryContext cache_context = NULL;

static TableDescription cached_tables[WALLET_TABLES];

/* Cleared by invalidation, which may come at any moment; read where a table is opened. */
static bool cache_valid = false;

/* Counts invalidations, so that one that comes while the cache is built is noticed. */
static uint64 invalidations = 0;

static bool
relation_cache_has(Oid relation)
{
	for (int i = 0; i < WALLET_TABLES; i++)
	{
		if (cached_tables[i].oid == relation)
			return true;
		for (int j = 0; j < cached_tables[i].index_count; j++)
			if (cached_tables[i].indexes[j].oid == relation)
				return true;
	}
	return false;
}

static void
relation_cache_invalidate(Datum argument, Oid relation)
{
	if (!cache_valid || relation == InvalidOid || relation_cache_has(relation))
	{
		cache_valid = false;
		invalidations++;
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

static void
table_index_describe(Oid oid, TableIndex *index)
{
	Relation relation = index_open(oid, RowExclusiveLock);

	index->oid = oid;
	index->info = BuildIndexInfo(relation);
	index->required_column = predicate_required_column(index->info->ii_Predicate);
	/* Not yet ready for inserts: only while CREATE INDEX CONCURRENTLY runs. */
	index->needs_executor = !index->info->ii_ReadyForInserts ||
							relation->rd_rel->relam != BTREE_AM_OID ||
							index->info->ii_Expressions != NIL ||
							(index->info->ii_Predicate != NIL && index->required_column == 0);
	index_close(relation, NoLock);
}

static void
table_describe(Relation table, const TableDefinition *definition, TableDescription *description)
{
	List *index_oids = RelationGetIndexList(table);

	description->indexes = palloc0(sizeof(TableIndex) * Max(list_length(index_oids), 1));
	ListCell *cell;

	foreach (cell, index_oids)
	{
		Oid oid = lfirst_oid(cell);
		TableIndex *index = &description->indexes[description->index_count];

		table_index_describe(oid, index);
		if (strcmp(get_rel_name(oid), definition->lookup_index) == 0)
			description->lookup_index = oid;
		description->index_count++;
	}
	if (!OidIsValid(description->lookup_index) ||
		RelationGetNumberOfAttributes(table) != definition->columns)
		error_raise_version_mismatch(NULL);
}

/* Looks all tables up again. After an invalidation on the way cache_valid stays false: the caller
 * loops. */
static void
relation_cache_build(void)
{
	if (cache_context == NULL)
		cache_context =
			AllocSetContextCreate(CacheMemoryContext, "wallet relations", ALLOCSET_SMALL_SIZES);
	memset(cached_tables, 0, sizeof(cached_tables));
	MemoryContextReset(cache_context);

	uint64 invalidations_before = invalidations;
	Oid schema = extension_find_schema();

	for (int i = 0; i < WALLET_TABLES; i++)
	{
		Oid oid = get_relname_relid(table_definitions[i].name, schema);

		if (!OidIsValid(oid))
			error_raise_version_mismatch(NULL);

		Relation table = table_open(oid, RowExclusiveLock);
		MemoryContext caller = MemoryContextSwitchTo(cache_context);

		cached_tables[i].oid = oid;
		table_describe(table, &table_definitions[i], &cached_tables[i]);
		MemoryContextSwitchTo(caller);
		table_close(table, NoLock);
	}
	cache_valid = invalidations == invalidations_before;
}

Relation
relation_cache_open(WalletTable table, const TableDescription **description)
{
	for (;;)
	{
		/*
		 * Taking the lock may process an invalidation: the cache counts only if it is still valid.
		 */
		Relation relation = NULL;

		if (cache_valid)
			relation = try_table_open(cached_tables[table].oid, RowExclusiveLock);
		if (relation != NULL && cache_valid)
		{
			*description = &cached_tables[table];
			return relation;
		}
		if (relation != NULL)
			table_close(relation, NoLock);
		cache_valid = false;
		relation_cache_build();
	}
}
