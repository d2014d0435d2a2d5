/*
 * hold_read.c
 *		wallet_hold_get and wallet_hold_list: the holds as they are by the clock.
 *
 * A hold has expired from its deadline on, although it is stored as open until it is swept. A list
 * is merged from the holds of each stored status, which an index has in the order of their ids: a
 * page is read as it stands, however many holds the wallet has.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "clock.h"
#include "errors.h"
#include "hold_table.h"
#include "index_read.h"
#include "wallet.h"

PG_FUNCTION_INFO_V1(wallet_hold_get);
PG_FUNCTION_INFO_V1(wallet_hold_list);

/* The columns of the result. */
typedef enum HoldColumn
{
	HOLD_COLUMN_ID,
	HOLD_COLUMN_WALLET_ID,
	HOLD_COLUMN_AMOUNT,
	HOLD_COLUMN_CAPTURED,
	HOLD_COLUMN_RELEASED,
	HOLD_COLUMN_REMAINING,
	HOLD_COLUMN_STATUS,
	HOLD_COLUMN_EXPIRES_AT,
	HOLD_COLUMN_CREATED_AT,
	HOLD_RESULT_COLUMNS,
} HoldColumn;

static const HoldStatus all_statuses[] = {HOLD_OPEN, HOLD_CAPTURED, HOLD_RELEASED, HOLD_EXPIRED};

#define HOLD_STATUSES lengthof(all_statuses)

/* The holds of one stored status, and the next of them. */
typedef struct HoldSource
{
	IndexRead read;
	bool has_next;
	Hold next;
} HoldSource;

static HoldStatus
hold_status_now(const Hold *hold)
{
	if (hold->status == HOLD_OPEN && hold->expires_at <= clock_read())
		return HOLD_EXPIRED;
	return hold->status;
}

static void
result_begin(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, 0);
	if (((ReturnSetInfo *) fcinfo->resultinfo)->setDesc->natts != HOLD_RESULT_COLUMNS)
		error_raise_version_mismatch(NULL);
}

static void
result_add(FunctionCallInfo fcinfo, const Hold *hold, HoldStatus status)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum values[HOLD_RESULT_COLUMNS] = {
		[HOLD_COLUMN_ID] = UUIDPGetDatum(&hold->id),
		[HOLD_COLUMN_WALLET_ID] = UUIDPGetDatum(&hold->wallet_id),
		[HOLD_COLUMN_AMOUNT] = money_to_column(hold->amount),
		[HOLD_COLUMN_CAPTURED] = money_to_column(hold->captured),
		[HOLD_COLUMN_RELEASED] = money_to_column(hold->released),
		[HOLD_COLUMN_REMAINING] = money_to_column(hold_row_remaining(hold)),
		[HOLD_COLUMN_STATUS] = CStringGetTextDatum(hold_row_status_name(status)),
		[HOLD_COLUMN_EXPIRES_AT] = TimestampTzGetDatum(hold->expires_at),
		[HOLD_COLUMN_CREATED_AT] = TimestampTzGetDatum(hold->created_at),
	};
	bool nulls[HOLD_RESULT_COLUMNS] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
wallet_hold_get(PG_FUNCTION_ARGS)
{
	IndexRead read;
	ScanKeyData key;
	Hold hold;

	if (PG_ARGISNULL(0))
		error_raise_null_argument("hold_id");
	result_begin(fcinfo);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, PG_GETARG_DATUM(0));
	index_read_begin(&read, get_func_namespace(fcinfo->flinfo->fn_oid), INDEX_HOLDS_ID, COLUMNS_ALL,
					 &key, 1);
	if (index_read_next(&read))
	{
		hold_row_read_slot(read.slot, &hold);
		result_add(fcinfo, &hold, hold_status_now(&hold));
	}
	index_read_end(&read);
	return (Datum) 0;
}

static void
source_advance(HoldSource *source)
{
	source->has_next = index_read_next(&source->read);
	if (source->has_next)
		hold_row_read_slot(source->read.slot, &source->next);
}

/* The wallet's holds that are stored with the status, by their ids, those behind after_id. */
static void
source_begin(HoldSource *source, FunctionCallInfo fcinfo, HoldStatus status)
{
	ScanKeyData keys[3];
	int count = 2;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, PG_GETARG_DATUM(0));
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid, DEFAULT_COLLATION_OID,
						   F_TEXTEQ, CStringGetTextDatum(hold_row_status_name(status)));
	if (!PG_ARGISNULL(2))
		ScanKeyInit(&keys[count++], 3, BTGreaterStrategyNumber, F_UUID_GT, PG_GETARG_DATUM(2));
	index_read_begin(&source->read, get_func_namespace(fcinfo->flinfo->fn_oid), INDEX_HOLDS_WALLET,
					 COLUMNS_ALL, keys, count);
	source_advance(source);
}

/* The source with the oldest next hold; NULL at the end of all. */
static HoldSource *
sources_first(HoldSource *sources, int count)
{
	HoldSource *first = NULL;

	for (int i = 0; i < count; i++)
		if (sources[i].has_next &&
			(first == NULL || wallet_compare_id(&sources[i].next.id, &first->next.id) < 0))
			first = &sources[i];
	return first;
}

/* Whether a hold that is stored so may have the status that is asked for, NULL for any. */
static bool
status_may_be(HoldStatus stored, const HoldStatus *wanted)
{
	return wanted == NULL || stored == *wanted || (stored == HOLD_OPEN && *wanted == HOLD_EXPIRED);
}

static void
list_read(FunctionCallInfo fcinfo, const HoldStatus *wanted, int max_rows)
{
	HoldSource sources[HOLD_STATUSES];
	HoldSource *source = NULL;
	int count = 0;
	int rows = 0;

	for (int i = 0; i < HOLD_STATUSES; i++)
		if (status_may_be(all_statuses[i], wanted))
			source_begin(&sources[count++], fcinfo, all_statuses[i]);
	while (rows < max_rows && (source = sources_first(sources, count)) != NULL)
	{
		HoldStatus status = hold_status_now(&source->next);

		if (wanted == NULL || status == *wanted)
		{
			result_add(fcinfo, &source->next, status);
			rows++;
		}
		source_advance(source);
		CHECK_FOR_INTERRUPTS();
	}
	for (int i = 0; i < count; i++)
		index_read_end(&sources[i].read);
}

/* The status that is asked for; NULL: any. */
static const HoldStatus *
list_read_status(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		return NULL;

	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	for (int i = 0; i < HOLD_STATUSES; i++)
		if (strcmp(name, hold_row_status_name(all_statuses[i])) == 0)
			return &all_statuses[i];
	error_raise_malformed("status", "must be open, captured, released or expired");
}

Datum
wallet_hold_list(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument("wallet_id");
	if (PG_ARGISNULL(3))
		error_raise_null_argument("max_rows");

	const HoldStatus *wanted = list_read_status(fcinfo);

	if (PG_GETARG_INT32(3) < 0)
		error_raise_malformed("max_rows", "must not be negative");
	result_begin(fcinfo);
	list_read(fcinfo, wanted, PG_GETARG_INT32(3));
	return (Datum) 0;
}
