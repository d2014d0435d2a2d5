/*
 * transit_row.c
 *		The only place that knows the columns of the two tables of transits by name and type.
 */
#include "transit_row.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "table_columns.h"

static const ColumnRule column_rules[TRANSIT_COLUMN_COUNT] = {
	[TRANSIT_ID] = {"transit_id", UUIDOID},
	[TRANSIT_FROM] = {"from_wallet_id", UUIDOID},
	[TRANSIT_TO] = {"to_wallet_id", UUIDOID},
	[TRANSIT_AMOUNT] = {"amount", NUMERICOID},
	[TRANSIT_CURRENCY] = {"currency", TEXTOID},
	[TRANSIT_METADATA] = {"metadata", JSONBOID},
	[TRANSIT_STATE] = {"state", TEXTOID},
	[TRANSIT_CREATED_AT] = {"created_at", TIMESTAMPTZOID},
	[TRANSIT_OUTCOME] = {"outcome", TEXTOID},
	[TRANSIT_REASON] = {"reason", TEXTOID},
	[TRANSIT_DETAIL] = {"detail", TEXTOID},
	[TRANSIT_RECEIVED_AT] = {"received_at", TIMESTAMPTZOID},
};

void
transit_columns_find(TransitColumns *columns, TupleDesc descriptor)
{
	columns->mistyped =
		table_columns_find(column_rules, TRANSIT_COLUMN_COUNT, descriptor, columns->index);
}

void
transit_row_read(TransitRow *row, const TransitColumns *columns, HeapTuple tuple,
				 TupleDesc descriptor)
{
	Datum *values = palloc(descriptor->natts * sizeof(Datum));
	bool *nulls = palloc(descriptor->natts * sizeof(bool));

	row->columns = columns;
	heap_deform_tuple(tuple, descriptor, values, nulls);
	for (int column = 0; column < TRANSIT_COLUMN_COUNT; column++)
	{
		int index = columns->index[column];

		row->nulls[column] = index < 0 || nulls[index];
		row->values[column] = row->nulls[column] ? (Datum) 0 : values[index];
	}
}
