/*
 * operations.c
 *		wallet_operations: the entries of all wallets that match what is asked for, newest first.
 *
 * What is given makes the query: the planner then knows each value, and takes the ledger's primary
 * key for a period, since its ids ascend in time, or an index that the administrator has added. A
 * user's entries are looked for in each of the user's wallets, from the version that the page
 * begins at, which a binary search finds. A page ends with an operation, since it is continued by
 * an operation's id.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "request.h"
#include "uuid7.h"

PG_FUNCTION_INFO_V1(wallet_operations);

/* The arguments, which are parameters $1 to $10 of the query, and what else it has. */
typedef enum OperationsParameter
{
	SINCE,
	UNTIL,
	TYPES,
	CURRENCY,
	USER_ID,
	MIN_AMOUNT,
	MAX_AMOUNT,
	METADATA,
	BEFORE_ID,
	MAX_ROWS,
	LOWEST_ID,	   /* $11: ids of the period are not below */
	END_ID,		   /* $12: and below this; that of BEFORE_ID too */
	NEWEST_TIME,   /* $13: a user's entries of the page are not later */
	BEFORE_PERIOD, /* $14: and later than this */
	PARAMETERS,
} OperationsParameter;

typedef struct Operations
{
	const char *schema; /* quoted */
	Datum values[PARAMETERS];
	bool nulls[PARAMETERS];
} Operations;

static const Oid parameter_types[PARAMETERS] = {
	[SINCE] = TIMESTAMPTZOID,
	[UNTIL] = TIMESTAMPTZOID,
	[TYPES] = TEXTARRAYOID,
	[CURRENCY] = TEXTOID,
	[USER_ID] = TEXTOID,
	[MIN_AMOUNT] = NUMERICOID,
	[MAX_AMOUNT] = NUMERICOID,
	[METADATA] = JSONBOID,
	[BEFORE_ID] = UUIDOID,
	[MAX_ROWS] = INT4OID,
	[LOWEST_ID] = UUIDOID,
	[END_ID] = UUIDOID,
	[NEWEST_TIME] = TIMESTAMPTZOID,
	[BEFORE_PERIOD] = TIMESTAMPTZOID,
};

/* A condition that counts where the parameter is given. */
typedef struct Condition
{
	OperationsParameter parameter;
	const char *text;
} Condition;

/* Of a movement "l". */
static const Condition movement_conditions[] = {
	{LOWEST_ID, " AND l.transaction_id >= $11"}, {END_ID, " AND l.transaction_id < $12"},
	{SINCE, " AND l.created_at >= $1"},			 {UNTIL, " AND l.created_at < $2"},
	{CURRENCY, " AND l.currency = $4"},			 {MIN_AMOUNT, " AND l.amount >= $6"},
	{MAX_AMOUNT, " AND l.amount <= $7"},		 {METADATA, " AND l.metadata @> $8"},
};

/* An entry's type; %s is its direction. */
#define TYPE_OF_ENTRY \
	"CASE WHEN l.kind IN ('TRANSFER', 'CAPTURE', 'REVERSAL') THEN l.kind || %s ELSE l.kind END"

static const char *const entry_types[] = {
	"CREATED", "FUND",		 "WITHDRAW",	"TRANSFER_IN", "TRANSFER_OUT", "HOLD",	 "RELEASE",
	"EXPIRE",  "CAPTURE_IN", "CAPTURE_OUT", "REVERSAL_IN", "REVERSAL_OUT", "STATUS", "LIMITS",
};

static void
operations_check_type(Datum type)
{
	const char *name = TextDatumGetCString(type);

	for (int i = 0; i < lengthof(entry_types); i++)
		if (strcmp(name, entry_types[i]) == 0)
			return;
	error_raise_malformed("types", "must have types of wallet_transactions only");
}

static void
operations_check_types(ArrayType *types)
{
	Datum *elements = NULL;
	bool *nulls = NULL;
	int count = 0;

	deconstruct_array(types, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (nulls[i])
			error_raise_null_element("types");
	for (int i = 0; i < count; i++)
		operations_check_type(elements[i]);
}

static void
operations_check(const Operations *operations, FunctionCallInfo fcinfo)
{
	if (operations->nulls[MAX_ROWS])
		error_raise_null_argument("max_rows");
	if (!operations->nulls[TYPES])
		operations_check_types(DatumGetArrayTypeP(operations->values[TYPES]));
	if (!operations->nulls[SINCE] && !operations->nulls[UNTIL] &&
		DatumGetTimestampTz(operations->values[UNTIL]) <
			DatumGetTimestampTz(operations->values[SINCE]))
		error_raise_malformed("until", "must not be before since");
	if (!operations->nulls[CURRENCY])
		(void) request_read_currency(fcinfo, CURRENCY);
	if (DatumGetInt32(operations->values[MAX_ROWS]) < 0)
		error_raise_malformed("max_rows", "must not be negative");
}

static void
operations_set(Operations *operations, OperationsParameter parameter, Datum value)
{
	operations->values[parameter] = value;
	operations->nulls[parameter] = false;
}

/* The ids of the period, to the millisecond: created_at is compared too. */
static void
operations_bound_ids(Operations *operations)
{
	pg_uuid_t *lowest = palloc(sizeof(pg_uuid_t));
	pg_uuid_t *end = palloc(sizeof(pg_uuid_t));
	const Datum *values = operations->values;

	if (!operations->nulls[SINCE] && uuid7_lowest(DatumGetTimestampTz(values[SINCE]), lowest))
		operations_set(operations, LOWEST_ID, UUIDPGetDatum(lowest));
	if (!operations->nulls[UNTIL] && uuid7_lowest_after(DatumGetTimestampTz(values[UNTIL]), end))
		operations_set(operations, END_ID, UUIDPGetDatum(end));
	if (!operations->nulls[BEFORE_ID] &&
		(operations->nulls[END_ID] || wallet_compare_id(DatumGetUUIDP(values[BEFORE_ID]), end) < 0))
		operations_set(operations, END_ID, values[BEFORE_ID]);
}

/* The moments between which a user's entries of the page lie. */
static void
operations_bound_times(Operations *operations)
{
	const Datum *values = operations->values;
	TimestampTz newest = DT_NOEND;

	if (!operations->nulls[UNTIL])
		newest = DatumGetTimestampTz(values[UNTIL]);
	if (!operations->nulls[BEFORE_ID])
		newest = Min(newest, uuid7_end_of_millisecond(DatumGetUUIDP(values[BEFORE_ID])));
	if (newest != DT_NOEND)
		operations_set(operations, NEWEST_TIME, TimestampTzGetDatum(newest));
	if (!operations->nulls[SINCE] && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(values[SINCE])))
		operations_set(operations, BEFORE_PERIOD,
					   TimestampTzGetDatum(DatumGetTimestampTz(values[SINCE]) - 1));
}

static void
operations_read(Operations *operations, FunctionCallInfo fcinfo)
{
	for (int i = 0; i < PARAMETERS; i++)
	{
		operations->nulls[i] = i > MAX_ROWS || PG_ARGISNULL(i);
		operations->values[i] = operations->nulls[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	operations_check(operations, fcinfo);
	operations_bound_ids(operations);
	operations_bound_times(operations);
	operations->schema =
		quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
}

/* The conditions of a movement, and of its entry's type; direction is an SQL expression. */
static void
query_add_conditions(StringInfo query, const Operations *operations, const char *direction)
{
	for (int i = 0; i < lengthof(movement_conditions); i++)
		if (!operations->nulls[movement_conditions[i].parameter])
			appendStringInfoString(query, movement_conditions[i].text);
	if (!operations->nulls[TYPES])
		appendStringInfo(query, " AND " TYPE_OF_ENTRY " = ANY ($3)", direction);
}

/* The newest entries on one side of the wallet "w", as many as a page has. */
static void
query_add_wallet_side(StringInfo query, const Operations *operations, const char *side,
					  const char *direction)
{
	appendStringInfo(query,
					 "(SELECT l.transaction_id FROM %s.wallet_ledger AS l"
					 " WHERE l.%s_wallet_id = w.id",
					 operations->schema, side);
	if (!operations->nulls[NEWEST_TIME])
		appendStringInfo(query, " AND l.%s_version <= newest.version", side);
	if (!operations->nulls[BEFORE_PERIOD])
		appendStringInfo(query, " AND l.%s_version > coalesce(before.version, -1)", side);
	query_add_conditions(query, operations, direction);
	appendStringInfo(query, " ORDER BY l.%s_version DESC LIMIT $10)", side);
}

/* WITH operation: the operations of the page of a user's entries. */
static void
query_add_user(StringInfo query, const Operations *operations)
{
	appendStringInfo(query,
					 "WITH operation AS MATERIALIZED (SELECT DISTINCT page.transaction_id FROM ("
					 "SELECT e.transaction_id FROM %s.wallets AS w",
					 operations->schema);
	if (!operations->nulls[NEWEST_TIME])
		appendStringInfo(query, " CROSS JOIN LATERAL %s.wallet_balance_at(w.id, $13) AS newest",
						 operations->schema);
	if (!operations->nulls[BEFORE_PERIOD])
		appendStringInfo(query,
						 " LEFT JOIN LATERAL %s.wallet_balance_at(w.id, $14) AS before ON true",
						 operations->schema);
	appendStringInfoString(query, " CROSS JOIN LATERAL (");
	query_add_wallet_side(query, operations, "from", "'_OUT'");
	appendStringInfoString(query, " UNION ALL ");
	query_add_wallet_side(query, operations, "to", "'_IN'");
	appendStringInfoString(query, ") AS e WHERE w.user_id = $5"
								  " ORDER BY e.transaction_id DESC LIMIT $10) AS page) ");
}

/* The page: a movement's sides are entries, the payer's first. */
static char *
operations_query(const Operations *operations)
{
	bool by_user = !operations->nulls[USER_ID];
	StringInfoData query;

	initStringInfo(&query);
	if (by_user)
		query_add_user(&query, operations);
	appendStringInfo(&query,
					 "SELECT wallet_id, version, type, amount, transaction_id,"
					 " counterparty_wallet_id, balance_after, held_after, status_after, user_id,"
					 " currency, hold_id, forced, metadata, created_at"
					 " FROM (SELECT s.*, " TYPE_OF_ENTRY " AS type, l.amount, l.transaction_id,"
					 " l.leg, l.currency, l.hold_id, l.forced, l.metadata, l.created_at"
					 " FROM %s%s.wallet_ledger AS l%s"
					 " CROSS JOIN LATERAL (VALUES"
					 " ('_OUT', l.from_wallet_id, l.from_version, l.to_wallet_id, l.from_balance,"
					 " l.from_held, l.from_status, l.from_user_id),"
					 " ('_IN', l.to_wallet_id, l.to_version, l.from_wallet_id, l.to_balance,"
					 " l.to_held, l.to_status, l.to_user_id))"
					 " AS s (direction, wallet_id, version, counterparty_wallet_id, balance_after,"
					 " held_after, status_after, user_id)"
					 " WHERE s.wallet_id IS NOT NULL",
					 "s.direction", by_user ? "operation AS o JOIN " : "", operations->schema,
					 by_user ? " ON l.transaction_id = o.transaction_id" : "");
	query_add_conditions(&query, operations, "s.direction");
	appendStringInfoString(&query, by_user ? " AND s.user_id = $5"
										   : " ORDER BY l.transaction_id DESC"
											 " FETCH FIRST $10 ROWS WITH TIES");
	appendStringInfoString(&query, ") AS page ORDER BY transaction_id DESC, leg DESC, direction");
	return query.data;
}

/* The planner takes each wallet of a user for an average one. A busy one must be read by its
 * versions from the page's end, never as a whole to be sorted. */
static void
operations_read_in_order(void)
{
	static const char *const ways[] = {"enable_bitmapscan", "enable_seqscan"};

	for (int i = 0; i < (int) lengthof(ways); i++)
		(void) set_config_option(ways[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 0, false);
}

static void
operations_run(const Operations *operations, ReturnSetInfo *result)
{
	char nulls[PARAMETERS];
	const char *query = operations_query(operations);
	int level = NewGUCNestLevel();

	if (!operations->nulls[USER_ID])
		operations_read_in_order();
	for (int i = 0; i < PARAMETERS; i++)
		nulls[i] = operations->nulls[i] ? 'n' : ' ';
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(query, PARAMETERS, unconstify(Oid *, &parameter_types[0]),
							  unconstify(Datum *, &operations->values[0]), nulls, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "query of operations failed: %s", query);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	AtEOXact_GUC(true, level);
}

Datum
wallet_operations(PG_FUNCTION_ARGS)
{
	Operations operations = {0};

	operations_read(&operations, fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	operations_run(&operations, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
