/*
 * currency.c
 *		wallet_set_currency, and the scales that the operations go by.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "currency.h"
#include "errors.h"
#include "money.h"
#include "relation_cache.h"
#include "request.h"

PG_FUNCTION_INFO_V1(wallet_set_currency);
PG_FUNCTION_INFO_V1(wallet_currency_changed);

#define SCALES_TABLE "wallet_currency_scales"

typedef struct CurrencyScale
{
	text *currency;
	int scale;
} CurrencyScale;

/* Ascending by currency; in a context of their own, which lives as long as the backend. */
static CurrencyScale *scales = NULL;
static int scale_count = 0;
static MemoryContext scales_context = NULL;

/* Cleared by invalidation, which may come at any moment. */
static bool scales_valid = false;
static Oid scales_table = InvalidOid;

/* Counts invalidations, so that one that comes while the table is read is noticed. */
static uint64 invalidations = 0;

static void
currency_invalidate(Datum argument, Oid relation)
{
	if (relation == InvalidOid || relation == scales_table)
	{
		scales_valid = false;
		invalidations++;
	}
}

void
currency_init(void)
{
	CacheRegisterRelcacheCallback(currency_invalidate, (Datum) 0);
}

static int
compare_text(const text *left, const text *right)
{
	int left_bytes = VARSIZE_ANY_EXHDR(left);
	int right_bytes = VARSIZE_ANY_EXHDR(right);
	int order = memcmp(VARDATA_ANY(left), VARDATA_ANY(right), Min(left_bytes, right_bytes));

	return order != 0 ? order : left_bytes - right_bytes;
}

static int
compare_scales(const void *left, const void *right)
{
	return compare_text(((const CurrencyScale *) left)->currency,
						((const CurrencyScale *) right)->currency);
}

/* What the scales are read from; the table may have been given other columns. */
typedef struct ScalesColumn
{
	const char *name;
	Oid type;
} ScalesColumn;

static const ScalesColumn currency_column = {"currency", TEXTOID};
static const ScalesColumn scale_column = {"scale", INT4OID};

/* The column's number; what is wrong with it, or NULL, is the result. */
static TableFinding *
scales_look_for(Relation table, const ScalesColumn *column, AttrNumber *number)
{
	Oid oid = RelationGetRelid(table);

	*number = get_attnum(oid, column->name);
	if (*number != InvalidAttrNumber && get_atttype(oid, *number) == column->type)
		return NULL;
	return table_finding("shape", true,
						 psprintf("column %s of " SCALES_TABLE " with type %s", column->name,
								  format_type_be(column->type)),
						 *number == InvalidAttrNumber ? pstrdup("missing")
													  : format_type_be(get_atttype(oid, *number)));
}

static AttrNumber
scales_find_column(Relation table, const ScalesColumn *column)
{
	AttrNumber number = InvalidAttrNumber;
	const TableFinding *finding = scales_look_for(table, column, &number);

	if (finding != NULL)
		error_raise_shape(finding->expected, finding->actual);
	return number;
}

List *
currency_find_differences(Oid schema)
{
	Oid oid = table_find_named(SCALES_TABLE, schema);
	AttrNumber number = InvalidAttrNumber;
	List *findings = NIL;

	if (!OidIsValid(oid))
		return list_make1(
			table_finding("shape", true, pstrdup("table " SCALES_TABLE), pstrdup("missing")));

	Relation table = table_open(oid, AccessShareLock);
	TableFinding *of_currency = scales_look_for(table, &currency_column, &number);
	TableFinding *of_scale = scales_look_for(table, &scale_column, &number);

	if (of_currency != NULL)
		findings = lappend(findings, of_currency);
	if (of_scale != NULL)
		findings = lappend(findings, of_scale);
	table_close(table, AccessShareLock);
	return findings;
}

static void
scales_add(Datum currency, int scale)
{
	MemoryContext caller = MemoryContextSwitchTo(scales_context);

	if (scales == NULL)
		scales = palloc(sizeof(CurrencyScale));
	else
		scales = repalloc(scales, sizeof(CurrencyScale) * (scale_count + 1));
	scales[scale_count++] = (CurrencyScale){
		.currency = DatumGetTextPCopy(currency),
		.scale = scale,
	};
	MemoryContextSwitchTo(caller);
}

/*
 * Reads what is committed now, whatever the transaction's snapshot: an older scale no longer
 * counts.
 */
static void
scales_read(Relation table)
{
	AttrNumber currency = scales_find_column(table, &currency_column);
	AttrNumber scale = scales_find_column(table, &scale_column);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan(table, snapshot, 0, NULL);
	bool is_null = false;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Datum name = slot_getattr(slot, currency, &is_null);
		bool has_no_scale = false;
		Datum decimals = slot_getattr(slot, scale, &has_no_scale);

		if (!is_null && !has_no_scale)
			scales_add(name, DatumGetInt32(decimals));
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	qsort(scales, scale_count, sizeof(CurrencyScale), compare_scales);
}

/* Schema of the extension's tables. The operation that asks has the ledger open. */
static Oid
scales_find_schema(void)
{
	const TableDescription *description = NULL;
	Relation ledger = relation_cache_open(TABLE_LEDGER, &description);
	Oid schema = RelationGetNamespace(ledger);

	table_close(ledger, NoLock);
	return schema;
}

static Oid
scales_find_table(Oid schema)
{
	Oid oid = table_find_named(SCALES_TABLE, schema);

	if (!OidIsValid(oid))
		error_raise_table_missing(SCALES_TABLE);
	return oid;
}

/* After an invalidation on the way scales_valid stays false: the caller loops. */
static void
scales_build(void)
{
	if (scales_context == NULL)
		scales_context =
			AllocSetContextCreate(CacheMemoryContext, "wallet currencies", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(scales_context);
	scales = NULL;
	scale_count = 0;

	uint64 invalidations_before = invalidations;

	scales_table = scales_find_table(scales_find_schema());

	Relation table = table_open(scales_table, AccessShareLock);

	scales_read(table);
	table_close(table, AccessShareLock);
	scales_valid = invalidations == invalidations_before;
}

int
currency_scale(const text *currency)
{
	int low = 0;

	while (!scales_valid)
		scales_build();

	int high = scale_count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = compare_text(currency, scales[middle].currency);

		if (order == 0)
			return scales[middle].scale;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return MONEY_SCALE;
}

/* Trigger of wallet_currency_scales: every backend reads it anew, once the change is committed. */
Datum
wallet_currency_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		error_raise_malformed("wallet_currency_changed", "must be called as a trigger");
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}

/* Runs a query with the currency as $1 and the scale as $2; reads: on what is committed now,
 * whatever the transaction's snapshot. Whether it had a row. */
static bool
currency_query(const char *query, bool reads, Datum *values)
{
	Oid types[] = {TEXTOID, INT4OID};
	SPIPlanPtr plan = SPI_prepare(query, lengthof(types), types);

	if (plan == NULL)
		elog(ERROR, "query on currencies could not be prepared: %s", query);

	Snapshot snapshot = reads ? GetLatestSnapshot() : InvalidSnapshot;

	if (SPI_execute_snapshot(plan, values, NULL, snapshot, InvalidSnapshot, reads, true, 0) < 0)
		elog(ERROR, "query on currencies failed: %s", query);
	return SPI_processed > 0;
}

/* Whether a stored amount of the currency has more decimals than the scale. */
static bool
currency_exceeds(const char *schema, Datum *values)
{
	return currency_query(
		psprintf("SELECT FROM %s.wallet_ledger WHERE currency = $1 AND "
				 "greatest(scale(trim_scale(amount)), scale(trim_scale(credit_limit)), "
				 "scale(trim_scale(max_balance))) > $2 LIMIT 1",
				 schema),
		true, values);
}

/* Lowers what the currency's amounts may have: nobody moves money meanwhile. The first look,
 * without the lock, is to refuse without stopping anybody. */
static void
currency_lower(Oid schema, const char *schema_name, Datum *values)
{
	bool exceeds = currency_exceeds(schema_name, values);

	if (!exceeds)
	{
		LockRelationOid(get_relname_relid("wallet_ledger", schema), ShareRowExclusiveLock);
		exceeds = currency_exceeds(schema_name, values);
	}
	if (exceeds)
		error_raise_scale_in_use(TextDatumGetCString(values[0]), DatumGetInt32(values[1]));
}

/* Setters come one after another, from here until the end of the transaction. */
static void
currency_set(Oid schema, Datum *values)
{
	const char *schema_name = quote_identifier(get_namespace_name(schema));

	LockRelationOid(scales_find_table(schema), ShareRowExclusiveLock);
	if (DatumGetInt32(values[1]) < currency_scale(DatumGetTextPP(values[0])))
		currency_lower(schema, schema_name, values);
	currency_query(psprintf("INSERT INTO %s." SCALES_TABLE
							" AS old (currency, scale) VALUES ($1, $2) "
							"ON CONFLICT (currency) DO UPDATE SET scale = excluded.scale "
							"WHERE old.scale <> excluded.scale",
							schema_name),
				   false, values);
	/* Somebody's BEFORE trigger may have left the row out, or put another scale into it. */
	if (!currency_query(psprintf("SELECT FROM %s." SCALES_TABLE
								 " WHERE currency = $1 AND scale = $2",
								 schema_name),
						true, values))
		error_raise_scale_not_stored(TextDatumGetCString(values[0]));
}

Datum
wallet_set_currency(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"currency", "scale"};

	request_begin("wallet_set_currency()");
	request_check_not_null(fcinfo, required, lengthof(required));

	Datum values[] = {
		PointerGetDatum(request_read_currency(fcinfo, 0)),
		PG_GETARG_DATUM(1),
	};

	if (PG_GETARG_INT32(1) < 0 || PG_GETARG_INT32(1) > MONEY_SCALE)
		error_raise_malformed("scale", "must be 0 to 4");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	currency_set(get_func_namespace(fcinfo->flinfo->fn_oid), values);
	SPI_finish();
	PG_RETURN_VOID();
}
