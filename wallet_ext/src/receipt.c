/*
 * receipt.c
 *		wallet_receipt: the entries of one operation, by direct table access.
 *
 * It is called in the round trip of the operation itself, which planning the same query over
 * wallet_transactions would double. The entries come in the order of the legs, the side that is
 * debited first; their columns are those of the view, and their number.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "index_read.h"
#include "table_columns.h"

PG_FUNCTION_INFO_V1(wallet_receipt);

/* The sides of a movement, in the order of a receipt. */
typedef enum MovementSide
{
	SIDE_FROM,
	SIDE_TO,
} MovementSide;

#define MOVEMENT_SIDES 2

/* The columns of wallet_transactions, each with its column of wallet_ledger for either side. */
static const AttrNumber receipt_columns[][MOVEMENT_SIDES] = {
	{LEDGER_FROM_WALLET_ID, LEDGER_TO_WALLET_ID},
	{LEDGER_FROM_VERSION, LEDGER_TO_VERSION},
	{LEDGER_KIND, LEDGER_KIND},
	{LEDGER_AMOUNT, LEDGER_AMOUNT},
	{LEDGER_TRANSACTION_ID, LEDGER_TRANSACTION_ID},
	{LEDGER_TO_WALLET_ID, LEDGER_FROM_WALLET_ID},
	{LEDGER_FROM_BALANCE, LEDGER_TO_BALANCE},
	{LEDGER_FROM_HELD, LEDGER_TO_HELD},
	{LEDGER_FROM_STATUS, LEDGER_TO_STATUS},
	{LEDGER_FROM_USER_ID, LEDGER_TO_USER_ID},
	{LEDGER_CURRENCY, LEDGER_CURRENCY},
	{LEDGER_HOLD_ID, LEDGER_HOLD_ID},
	{LEDGER_FORCED, LEDGER_FORCED},
	{LEDGER_METADATA, LEDGER_METADATA},
	{LEDGER_CREATED_AT, LEDGER_CREATED_AT},
};

/* The last column of the result is the entry's number. */
#define RECEIPT_ENTRY	  lengthof(receipt_columns)
#define RECEIPT_COLUMNS	  (RECEIPT_ENTRY + 1)
#define RECEIPT_WALLET_ID 0
#define RECEIPT_TYPE	  2

/* A page of the operation's entries. */
typedef struct Receipt
{
	ReturnSetInfo *result;
	int entry;		 /* the number of the newest entry read */
	int after_entry; /* the page begins behind it */
	int64 rows_left; /* of the page */
} Receipt;

/* An entry's type: the movement's kind, with the direction where both sides may be wallets. */
static Datum
receipt_type(Datum kind, MovementSide side)
{
	static const char *const sided_kinds[] = {"TRANSFER", "CAPTURE", "REVERSAL"};
	const char *name = TextDatumGetCString(kind);

	for (int i = 0; i < lengthof(sided_kinds); i++)
		if (strcmp(name, sided_kinds[i]) == 0)
			return CStringGetTextDatum(psprintf("%s_%s", name, side == SIDE_FROM ? "OUT" : "IN"));
	return kind;
}

/* Adds what the movement in the slot did to the wallet on this side, if there is one and it is on
 * the page. */
static void
receipt_add_side(Receipt *receipt, TupleTableSlot *slot, MovementSide side)
{
	Datum values[RECEIPT_COLUMNS];
	bool nulls[RECEIPT_COLUMNS];

	for (int i = 0; i < RECEIPT_ENTRY; i++)
		values[i] = slot_getattr(slot, receipt_columns[i][side], &nulls[i]);
	if (nulls[RECEIPT_WALLET_ID] || ++receipt->entry <= receipt->after_entry ||
		receipt->rows_left == 0)
		return;
	values[RECEIPT_TYPE] = receipt_type(values[RECEIPT_TYPE], side);
	values[RECEIPT_ENTRY] = Int32GetDatum(receipt->entry);
	nulls[RECEIPT_ENTRY] = false;
	tuplestore_putvalues(receipt->result->setResult, receipt->result->setDesc, values, nulls);
	receipt->rows_left--;
}

/* The first leg that may have an entry of the page. Only an operation of at most two legs has one
 * with a single side. In all others every leg has two entries, and those before the page are not
 * read. */
static int
receipt_first_leg(Receipt *receipt)
{
	int leg = receipt->after_entry / MOVEMENT_SIDES;

	if (leg < 2)
		return 0;
	receipt->entry = leg * MOVEMENT_SIDES;
	return leg;
}

static ColumnSet
receipt_column_set(void)
{
	ColumnSet columns = 0;

	for (int i = 0; i < RECEIPT_ENTRY; i++)
		columns |= COLUMN(receipt_columns[i][SIDE_FROM]) | COLUMN(receipt_columns[i][SIDE_TO]);
	return columns;
}

static void
receipt_read(Receipt *receipt, Oid schema, Datum transaction_id)
{
	IndexRead read;
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, transaction_id);
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(receipt_first_leg(receipt)));
	index_read_begin(&read, schema, INDEX_LEDGER_LEGS, receipt_column_set(), keys, lengthof(keys));
	while (receipt->rows_left > 0 && index_read_next(&read))
	{
		receipt_add_side(receipt, read.slot, SIDE_FROM);
		receipt_add_side(receipt, read.slot, SIDE_TO);
	}
	index_read_end(&read);
}

/* An argument that is 0 or more; without where it is NULL. */
static int
receipt_read_count(FunctionCallInfo fcinfo, int argument, const char *name, int without)
{
	if (PG_ARGISNULL(argument))
		return without;
	if (PG_GETARG_INT32(argument) < 0)
		error_raise_malformed(name, "must not be negative");
	return PG_GETARG_INT32(argument);
}

Datum
wallet_receipt(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument("transaction_id");

	Receipt receipt = {
		.result = (ReturnSetInfo *) fcinfo->resultinfo,
		.after_entry = receipt_read_count(fcinfo, 1, "after_entry", 0),
		.rows_left = receipt_read_count(fcinfo, 2, "max_rows", PG_INT32_MAX),
	};

	InitMaterializedSRF(fcinfo, 0);
	if (receipt.result->setDesc->natts != RECEIPT_COLUMNS)
		error_raise_version_mismatch(NULL);

	/* As a VOLATILE SQL function: sees what its own argument has just done. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	receipt_read(&receipt, get_func_namespace(fcinfo->flinfo->fn_oid), PG_GETARG_DATUM(0));
	PopActiveSnapshot();
	return (Datum) 0;
}
