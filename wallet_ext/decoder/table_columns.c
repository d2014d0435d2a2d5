/*
 * table_columns.c
 *		Finds the columns of a table by name and type in a tuple descriptor.
 */
#include "table_columns.h"

const char *
table_columns_find(const ColumnRule *rules, int count, TupleDesc descriptor, int16 *index)
{
	const char *mistyped = NULL;

	for (int column = 0; column < count; column++)
	{
		index[column] = -1;
		for (int at = 0; at < descriptor->natts; at++)
		{
			const FormData_pg_attribute *attribute = TupleDescAttr(descriptor, at);

			if (attribute->attisdropped ||
				strcmp(NameStr(attribute->attname), rules[column].name) != 0)
				continue;
			if (attribute->atttypid == rules[column].type)
				index[column] = (int16) at;
			else
				mistyped = rules[column].name;
			break;
		}
	}
	return mistyped;
}
