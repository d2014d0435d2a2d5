/*
 * ledger_row.h
 *		One row of wallet_ledger as the decoder sees it: columns by name, values by column.
 *
 * Call order: ledger_columns_find once per tuple descriptor, ledger_row_read per row, then
 * ledger_row_get as often as wanted. The values point into the tuple.
 */
#pragma once

#include "postgres.h"

#include "access/htup.h"
#include "access/htup_details.h"
#include "access/tupdesc.h"

/* What a ledger row says of one of its wallets. */
typedef enum SideColumn
{
	SIDE_WALLET_ID,
	SIDE_VERSION,
	SIDE_BALANCE,
	SIDE_HELD,
	SIDE_STATUS,
	SIDE_USER_ID,
	SIDE_SEAL,
	SIDE_COLUMN_COUNT
} SideColumn;

/* The columns an event is made of. The two sides are SideColumns from their first on. */
typedef enum LedgerColumn
{
	LEDGER_TRANSACTION_ID,
	LEDGER_CREATED_AT,
	LEDGER_KIND,
	LEDGER_AMOUNT,
	LEDGER_CURRENCY,
	LEDGER_HOLD_ID,
	LEDGER_REVERSES,
	LEDGER_CREDIT_LIMIT,
	LEDGER_MAX_BALANCE,
	LEDGER_EXPIRES_AT,
	LEDGER_METADATA,
	LEDGER_FROM,
	LEDGER_TO = LEDGER_FROM + SIDE_COLUMN_COUNT,
	LEDGER_COLUMN_COUNT = LEDGER_TO + SIDE_COLUMN_COUNT
} LedgerColumn;

/* A side is named by its first column. */
typedef LedgerColumn LedgerSide;

#define LEDGER_SIDES_MAX 2

static inline LedgerSide
side_get_other(LedgerSide side)
{
	return side == LEDGER_FROM ? LEDGER_TO : LEDGER_FROM;
}

/* Where the columns stand in one tuple descriptor. */
typedef struct LedgerColumns
{
	int16 index[LEDGER_COLUMN_COUNT]; /* into the deformed row, -1 where there is no such column */
	const char *mistyped;			  /* name of a column that has another type, or NULL */
} LedgerColumns;

typedef struct LedgerRow
{
	const LedgerColumns *columns;
	Datum values[MaxTupleAttributeNumber];
	bool nulls[MaxTupleAttributeNumber];
} LedgerRow;

/*
 * Finds the columns by name. One that is missing (WAL from before an upgrade) reads as NULL; one of
 * another type can't be read at all and makes every row unrenderable.
 */
extern void ledger_columns_find(LedgerColumns *columns, TupleDesc descriptor);

/* Reads a tuple of that descriptor; tuple and columns must live as long as the row is used. */
extern void ledger_row_read(LedgerRow *row, const LedgerColumns *columns, HeapTuple tuple,
							TupleDesc descriptor);

/* The column's value; false where it is NULL, missing or mistyped. */
static inline bool
ledger_row_get(const LedgerRow *row, int column, Datum *value)
{
	int index = row->columns->index[column];

	if (index < 0 || row->nulls[index])
		return false;
	*value = row->values[index];
	return true;
}

/*
 * Lists the sides that are entries, from before to, and returns how many. A row without any is
 * listed with its from side, so that it becomes an error instead of being passed over.
 */
extern int ledger_row_list_sides(const LedgerRow *row, LedgerSide sides[LEDGER_SIDES_MAX]);
