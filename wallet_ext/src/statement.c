/*
 * statement.c
 *		wallet_balance_at: what a wallet had at a moment.
 *
 * Entries of a wallet ascend in time as they do in version, and versions have no gap: the newest
 * one that is not later than the moment is found by binary search over versions, two look-ups a
 * step, however many entries there are.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "foreign_code.h"
#include "index_read.h"
#include "table_columns.h"
#include "text_value.h"

PG_FUNCTION_INFO_V1(wallet_balance_at);
PG_FUNCTION_INFO_V1(wallet_statement_until);

/* The columns of the result. */
typedef enum BalanceColumn
{
	BALANCE_BALANCE,
	BALANCE_HELD,
	BALANCE_VERSION,
	BALANCE_COLUMNS,
} BalanceColumn;

/* An entry: what a wallet had from one version on. */
typedef struct Entry
{
	int64 version;
	TimestampTz created_at;
	Datum balance; /* numeric, copied */
	Datum held;
} Entry;

/* The index of one side of the ledger, and the side's columns. */
typedef struct EntrySide
{
	KnownIndex index;
	AttrNumber balance;
	AttrNumber held;
} EntrySide;

static const EntrySide entry_sides[] = {
	{INDEX_LEDGER_TO, LEDGER_TO_BALANCE, LEDGER_TO_HELD},
	{INDEX_LEDGER_FROM, LEDGER_FROM_BALANCE, LEDGER_FROM_HELD},
};

static Datum
numeric_copy(Datum value)
{
	return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
}

static bool
entry_find_on_side(Oid schema, Datum wallet_id, const EntrySide *side, Entry *entry)
{
	IndexRead read;
	ScanKeyData keys[2];
	bool is_null = false;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, wallet_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(entry->version));
	index_read_begin(&read, schema, side->index,
					 COLUMN(LEDGER_CREATED_AT) | COLUMN(side->balance) | COLUMN(side->held), keys,
					 lengthof(keys));

	bool found = index_read_next(&read);

	if (found)
	{
		entry->created_at =
			DatumGetTimestampTz(slot_getattr(read.slot, LEDGER_CREATED_AT, &is_null));
		entry->balance = numeric_copy(slot_getattr(read.slot, side->balance, &is_null));
		entry->held = numeric_copy(slot_getattr(read.slot, side->held, &is_null));
	}
	index_read_end(&read);
	return found;
}

static Entry
entry_read(Oid schema, Datum wallet_id, int64 version)
{
	Entry entry = {.version = version};

	for (int i = 0; i < lengthof(entry_sides); i++)
		if (entry_find_on_side(schema, wallet_id, &entry_sides[i], &entry))
			return entry;
	/* A call writes its wallets before their entries. */
	foreign_code_check("wallet_balance_at()");
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("wallet %s has no entry of version " INT64_FORMAT,
						   text_of_uuid(DatumGetUUIDP(wallet_id)), version),
					errhint("wallet_check() names every divergence.")));
}

/* The wallet's newest version. */
static int64
statement_newest_version(Oid schema, Datum wallet_id)
{
	IndexRead read;
	ScanKeyData key;
	bool is_null = false;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, wallet_id);
	index_read_begin(&read, schema, INDEX_WALLETS_ID, COLUMN(WALLETS_VERSION), &key, 1);
	if (!index_read_next(&read))
		error_raise_wallet_not_found(DatumGetUUIDP(wallet_id));

	int64 version = DatumGetInt64(slot_getattr(read.slot, WALLETS_VERSION, &is_null));

	index_read_end(&read);
	return version;
}

/* The newest entry that is not later than `at`; false before the wallet's creation. */
static bool
entry_search(Oid schema, Datum wallet_id, TimestampTz at, Entry *found)
{
	int64 low = 0;
	int64 high = statement_newest_version(schema, wallet_id);

	*found = entry_read(schema, wallet_id, high);
	if (found->created_at <= at)
		return true;
	/* Entry `high` is too late, those below `low` are not. */
	while (low < high)
	{
		int64 middle = low + (high - low) / 2;
		Entry entry = entry_read(schema, wallet_id, middle);

		if (entry.created_at <= at)
		{
			*found = entry;
			low = middle + 1;
		}
		else
			high = middle;
	}
	return found->created_at <= at;
}

Datum
wallet_balance_at(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument("wallet_id");
	if (PG_ARGISNULL(1))
		error_raise_null_argument("at");

	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Entry entry;

	InitMaterializedSRF(fcinfo, 0);
	if (result->setDesc->natts != BALANCE_COLUMNS)
		error_raise_version_mismatch(NULL);
	if (entry_search(schema, PG_GETARG_DATUM(0), PG_GETARG_TIMESTAMPTZ(1), &entry))
	{
		Datum values[BALANCE_COLUMNS] = {
			[BALANCE_BALANCE] = entry.balance,
			[BALANCE_HELD] = entry.held,
			[BALANCE_VERSION] = Int64GetDatum(entry.version),
		};
		bool nulls[BALANCE_COLUMNS] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* wallet_statement_until(since, until): until, which must not be before since. */
Datum
wallet_statement_until(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0) && PG_GETARG_TIMESTAMPTZ(1) < PG_GETARG_TIMESTAMPTZ(0))
		error_raise_malformed("until", "must not be before since");
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}
