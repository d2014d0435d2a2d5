/*
 * receipt.c
 *		wallet_receipt: the entries of one operation, by direct table access.
 *
 * It is called in the round trip of the operation itself, which planning the same query over
 * wallet_transactions would double. The entries come in the order of the legs, the side that is
 * debited first; their columns are those of the view.
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

#define RECEIPT_COLUMNS	  lengthof(receipt_columns)
#define RECEIPT_WALLET_ID 0
#define RECEIPT_TYPE	  2

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

/* Adds what the movement in the slot did to the wallet on this side, if there is one. */
static void
receipt_add_side(ReturnSetInfo *result, TupleTableSlot *slot, MovementSide side)
{
	Datum values[RECEIPT_COLUMNS];
	bool nulls[RECEIPT_COLUMNS];

	for (int i = 0; i < RECEIPT_COLUMNS; i++)
		values[i] = slot_getattr(slot, receipt_columns[i][side], &nulls[i]);
	if (nulls[RECEIPT_WALLET_ID])
		return;
	values[RECEIPT_TYPE] = receipt_type(values[RECEIPT_TYPE], side);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static ColumnSet
receipt_column_set(void)
{
	ColumnSet columns = 0;

	for (int i = 0; i < RECEIPT_COLUMNS; i++)
		columns |= COLUMN(receipt_columns[i][SIDE_FROM]) | COLUMN(receipt_columns[i][SIDE_TO]);
	return columns;
}

Datum
wallet_receipt(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		error_raise_null_argument("transaction_id");

	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	IndexRead read;
	ScanKeyData key;

	InitMaterializedSRF(fcinfo, 0);
	if (result->setDesc->natts != RECEIPT_COLUMNS)
		error_raise_version_mismatch(NULL);

	/* As a VOLATILE SQL function: sees what its own argument has just done. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, PG_GETARG_DATUM(0));
	index_read_begin(&read, get_func_namespace(fcinfo->flinfo->fn_oid), INDEX_LEDGER_LEGS,
					 receipt_column_set(), &key, 1);
	while (index_read_next(&read))
	{
		receipt_add_side(result, read.slot, SIDE_FROM);
		receipt_add_side(result, read.slot, SIDE_TO);
	}
	index_read_end(&read);
	PopActiveSnapshot();
	return (Datum) 0;
}
