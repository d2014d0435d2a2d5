/*
 * ledger_row.c
 *		The only place that knows the ledger's columns by name and type.
 */
#include "ledger_row.h"

#include "catalog/pg_type.h"
#include "table_columns.h"

static const ColumnRule column_rules[LEDGER_COLUMN_COUNT] = {
	[LEDGER_TRANSACTION_ID] = {"transaction_id", UUIDOID},
	[LEDGER_CREATED_AT] = {"created_at", TIMESTAMPTZOID},
	[LEDGER_KIND] = {"kind", TEXTOID},
	[LEDGER_AMOUNT] = {"amount", NUMERICOID},
	[LEDGER_CURRENCY] = {"currency", TEXTOID},
	[LEDGER_HOLD_ID] = {"hold_id", UUIDOID},
	[LEDGER_REVERSES] = {"reverses", UUIDOID},
	[LEDGER_CREDIT_LIMIT] = {"credit_limit", NUMERICOID},
	[LEDGER_MAX_BALANCE] = {"max_balance", NUMERICOID},
	[LEDGER_EXPIRES_AT] = {"expires_at", TIMESTAMPTZOID},
	[LEDGER_METADATA] = {"metadata", JSONBOID},
	[LEDGER_FROM + SIDE_WALLET_ID] = {"from_wallet_id", UUIDOID},
	[LEDGER_FROM + SIDE_VERSION] = {"from_version", INT8OID},
	[LEDGER_FROM + SIDE_BALANCE] = {"from_balance", NUMERICOID},
	[LEDGER_FROM + SIDE_HELD] = {"from_held", NUMERICOID},
	[LEDGER_FROM + SIDE_STATUS] = {"from_status", TEXTOID},
	[LEDGER_FROM + SIDE_USER_ID] = {"from_user_id", TEXTOID},
	[LEDGER_FROM + SIDE_SEAL] = {"from_seal", BYTEAOID},
	[LEDGER_TO + SIDE_WALLET_ID] = {"to_wallet_id", UUIDOID},
	[LEDGER_TO + SIDE_VERSION] = {"to_version", INT8OID},
	[LEDGER_TO + SIDE_BALANCE] = {"to_balance", NUMERICOID},
	[LEDGER_TO + SIDE_HELD] = {"to_held", NUMERICOID},
	[LEDGER_TO + SIDE_STATUS] = {"to_status", TEXTOID},
	[LEDGER_TO + SIDE_USER_ID] = {"to_user_id", TEXTOID},
	[LEDGER_TO + SIDE_SEAL] = {"to_seal", BYTEAOID},
};

void
ledger_columns_find(LedgerColumns *columns, TupleDesc descriptor)
{
	columns->mistyped =
		table_columns_find(column_rules, LEDGER_COLUMN_COUNT, descriptor, columns->index);
}

void
ledger_row_read(LedgerRow *row, const LedgerColumns *columns, HeapTuple tuple, TupleDesc descriptor)
{
	row->columns = columns;
	heap_deform_tuple(tuple, descriptor, row->values, row->nulls);
}

static bool
row_has_side(const LedgerRow *row, LedgerSide side)
{
	Datum wallet_id;

	return ledger_row_get(row, side + SIDE_WALLET_ID, &wallet_id);
}

int
ledger_row_list_sides(const LedgerRow *row, LedgerSide sides[LEDGER_SIDES_MAX])
{
	int count = 0;

	if (row_has_side(row, LEDGER_FROM))
		sides[count++] = LEDGER_FROM;
	if (row_has_side(row, LEDGER_TO))
		sides[count++] = LEDGER_TO;
	if (count == 0)
		sides[count++] = LEDGER_FROM;
	return count;
}
