/*
 * table_columns.h
 *		Finds the columns of a table by name and type in a tuple descriptor.
 */
#pragma once

#include "postgres.h"

#include "access/tupdesc.h"

typedef struct ColumnRule
{
	const char *name;
	Oid type;
} ColumnRule;

/*
 * index: for each rule the column's place in the deformed row, -1 where there is none (WAL from
 * before an upgrade). Returns the name of a column that has another type, or NULL.
 */
extern const char *table_columns_find(const ColumnRule *rules, int count, TupleDesc descriptor,
									  int16 *index);
