/*
 * read.c
 *		wallet_get by direct table access, and what the SQL reads ask of their arguments.
 *
 * wallet_get is as frequent as the operations themselves; a SQL function would be planned anew by
 * each statement that calls it. It sees the snapshot of the statement that calls it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "errors.h"
#include "index_read.h"
#include "money.h"
#include "table_columns.h"

/* The type wallet_details: the columns of wallets but for the seal, then these two. */
#define DETAILS_OF_WALLET WALLETS_UPDATED_AT
#define DETAILS_AVAILABLE DETAILS_OF_WALLET
#define DETAILS_METADATA  (DETAILS_OF_WALLET + 1)
#define DETAILS_COLUMNS	  (DETAILS_OF_WALLET + 2)

PG_FUNCTION_INFO_V1(wallet_get);
PG_FUNCTION_INFO_V1(wallet_read_argument);
PG_FUNCTION_INFO_V1(wallet_read_rows);

/* What holds keep that have expired and are not yet swept: mostly none, where those that still
 * reserve something may be many. */
static Money
read_expired_holds(Oid schema, Datum wallet_id)
{
	IndexRead read;
	ScanKeyData keys[2];
	Money expired = 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, wallet_id);
	ScanKeyInit(&keys[1], 2, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(clock_read()));
	index_read_begin(&read, schema, INDEX_HOLDS_OPEN, COLUMNS_ALL, keys, lengthof(keys));
	while (index_read_next(&read))
	{
		slot_getallattrs(read.slot);

		const Datum *columns = read.slot->tts_values;
		Money given_back = money_add(money_from_column(columns[HOLDS_CAPTURED - 1]),
									 money_from_column(columns[HOLDS_RELEASED - 1]));

		expired = money_add(expired, money_subtract(money_from_column(columns[HOLDS_AMOUNT - 1]),
													given_back));
	}
	index_read_end(&read);
	return expired;
}

/* The metadata given to wallet_create, which stands in the CREATED entry; a copy. */
static Datum
read_created_metadata(Oid schema, Datum wallet_id, bool *is_null)
{
	IndexRead read;
	ScanKeyData keys[2];
	Datum metadata = (Datum) 0;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, wallet_id);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(0));
	index_read_begin(&read, schema, INDEX_LEDGER_TO, COLUMN(LEDGER_METADATA), keys, lengthof(keys));
	*is_null = true;
	if (index_read_next(&read))
		metadata = slot_getattr(read.slot, LEDGER_METADATA, is_null);
	if (!*is_null)
		metadata = PointerGetDatum(PG_DETOAST_DATUM_COPY(metadata));
	index_read_end(&read);
	return metadata;
}

static Datum
read_available(Oid schema, Datum wallet_id, const Datum *columns)
{
	Money reserved = money_from_column(columns[WALLETS_HELD - 1]);

	if (reserved != 0)
		reserved = money_subtract(reserved, read_expired_holds(schema, wallet_id));
	return money_to_column(money_available(money_from_column(columns[WALLETS_BALANCE - 1]),
										   reserved,
										   money_from_column(columns[WALLETS_CREDIT_LIMIT - 1])));
}

/* The type wallet_details may have been altered. */
static void
details_check_type(TupleDesc descriptor)
{
	static const Oid types[DETAILS_COLUMNS] = {
		UUIDOID, TEXTOID, TEXTOID,		  NUMERICOID,	  NUMERICOID, NUMERICOID, NUMERICOID,
		TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, NUMERICOID, JSONBOID,
	};

	int count = 0;

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped)
			continue;
		if (count == DETAILS_COLUMNS || attribute->atttypid != types[count++])
			error_raise_shape("type wallet_details as the extension made it", "altered");
	}
	if (count != DETAILS_COLUMNS)
		error_raise_shape("type wallet_details as the extension made it", "altered");
}

/* Of a type that once had other attributes too. */
static HeapTuple
details_form(TupleDesc descriptor, const Datum *values, const bool *nulls)
{
	Datum *places = palloc0(sizeof(Datum) * descriptor->natts);
	bool *empty = palloc(sizeof(bool) * descriptor->natts);
	int count = 0;

	for (int i = 0; i < descriptor->natts; i++)
	{
		empty[i] = TupleDescAttr(descriptor, i)->attisdropped || nulls[count];
		if (!TupleDescAttr(descriptor, i)->attisdropped)
			places[i] = values[count++];
	}
	return heap_form_tuple(descriptor, places, empty);
}

Datum
wallet_get(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument("wallet_id");

	Datum wallet_id = PG_GETARG_DATUM(0);
	Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Datum values[DETAILS_COLUMNS];
	bool nulls[DETAILS_COLUMNS];
	TupleDesc descriptor = NULL;
	IndexRead read;
	ScanKeyData key;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		error_raise_version_mismatch(NULL);
	details_check_type(descriptor);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, wallet_id);
	index_read_begin(&read, schema, INDEX_WALLETS_ID, COLUMNS_ALL & ~COLUMN(WALLETS_SEAL), &key, 1);
	if (!index_read_next(&read))
		error_raise_wallet_not_found(DatumGetUUIDP(wallet_id));

	slot_getallattrs(read.slot);
	memcpy(values, read.slot->tts_values, sizeof(Datum) * DETAILS_OF_WALLET);
	memcpy(nulls, read.slot->tts_isnull, sizeof(bool) * DETAILS_OF_WALLET);
	values[DETAILS_AVAILABLE] = read_available(schema, wallet_id, values);
	nulls[DETAILS_AVAILABLE] = false;
	values[DETAILS_METADATA] = read_created_metadata(schema, wallet_id, &nulls[DETAILS_METADATA]);

	HeapTuple details = details_form(descriptor, values, nulls);

	index_read_end(&read);
	PG_RETURN_DATUM(HeapTupleGetDatum(details));
}

/* The name that the second argument gives the first. */
static const char *
read_argument_name(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) ? "value" : text_to_cstring(PG_GETARG_TEXT_PP(1));
}

/* wallet_read_argument(value, argument): the value, which must not be NULL. */
Datum
wallet_read_argument(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument(read_argument_name(fcinfo));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* wallet_read_rows(value, argument, max_rows): max_rows as a LIMIT; the value must not be NULL. */
Datum
wallet_read_rows(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument(read_argument_name(fcinfo));
	if (PG_ARGISNULL(2))
		error_raise_null_argument("max_rows");
	if (PG_GETARG_INT32(2) < 0)
		error_raise_malformed("max_rows", "must not be negative");
	PG_RETURN_INT64(PG_GETARG_INT32(2));
}
