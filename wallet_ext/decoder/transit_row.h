/*
 * transit_row.h
 *		One row of wallet_transits or wallet_transits_received as the decoder sees it.
 *
 * The two tables have most columns in common; those of the other table read as NULL.
 */
#pragma once

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"

typedef enum TransitColumn
{
	TRANSIT_ID,
	TRANSIT_FROM,
	TRANSIT_TO,
	TRANSIT_AMOUNT,
	TRANSIT_CURRENCY,
	TRANSIT_METADATA,
	TRANSIT_STATE,
	TRANSIT_CREATED_AT,
	TRANSIT_OUTCOME,
	TRANSIT_REASON,
	TRANSIT_DETAIL,
	TRANSIT_RECEIVED_AT,
	TRANSIT_COLUMN_COUNT
} TransitColumn;

typedef struct TransitColumns
{
	int16 index[TRANSIT_COLUMN_COUNT]; /* into the deformed row, -1 where there is no such column */
	const char *mistyped;			   /* name of a column that has another type, or NULL */
} TransitColumns;

typedef struct TransitRow
{
	const TransitColumns *columns;
	Datum values[TRANSIT_COLUMN_COUNT];
	bool nulls[TRANSIT_COLUMN_COUNT];
} TransitRow;

extern void transit_columns_find(TransitColumns *columns, TupleDesc descriptor);

/* Allocates in the current context, which must live as long as the tuple and the row do. */
extern void transit_row_read(TransitRow *row, const TransitColumns *columns, HeapTuple tuple,
							 TupleDesc descriptor);

/* The column's value; false where it is NULL, missing or mistyped. */
static inline bool
transit_row_get(const TransitRow *row, TransitColumn column, Datum *value)
{
	*value = row->values[column];
	return !row->nulls[column];
}
