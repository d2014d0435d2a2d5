/*
 * pg_parameters.c
 *		Keeps libpq's three arrays side by side.
 */
#include "postgres/parameters.h"

#include <assert.h>
#include <limits.h>

static void
parameter_add(PgParameters *parameters, const char *value, int length, int format)
{
	assert(parameters->count < PG_PARAMETERS_MAX);
	parameters->values[parameters->count] = value;
	parameters->lengths[parameters->count] = length;
	parameters->formats[parameters->count] = format;
	parameters->count++;
}

void
pg_parameters_add_text(PgParameters *parameters, const char *text)
{
	parameter_add(parameters, text, 0, 0);
}

void
pg_parameters_add_binary(PgParameters *parameters, const char *bytes, size_t length)
{
	assert(length <= INT_MAX);
	parameter_add(parameters, bytes, (int) length, 1);
}

void
pg_parameters_fail(PgParameters *parameters)
{
	parameters->out_of_memory = true;
}

Status
pg_parameters_run(const PgParameters *parameters, PGconn *connection, const Wait *wait,
				  PgQuery query, PGresult **result)
{
	if (result != NULL)
		*result = NULL;
	if (parameters->out_of_memory)
		return status_bug("out of memory");
	query.parameter_count = parameters->count;
	query.values = parameters->values;
	query.lengths = parameters->lengths;
	query.formats = parameters->formats;
	return pg_query_run(connection, wait, &query, result);
}
