/*
 * pg_parameters.h
 *		The parameters of a query, one after the other: $1, $2 ... Pure but for the run.
 *
 * Zero-initialise; add; run. What is added must live until the query has run. A value that could
 * not be made for lack of memory is marked by pg_parameters_fail(): the run then says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "postgres/query.h"

#define PG_PARAMETERS_MAX 8

typedef struct PgParameters
{
	const char *values[PG_PARAMETERS_MAX];
	int lengths[PG_PARAMETERS_MAX];
	int formats[PG_PARAMETERS_MAX];
	int count;
	bool out_of_memory;
} PgParameters;

/* NULL is SQL's NULL. */
void pg_parameters_add_text(PgParameters *parameters, const char *text);
/* At most INT_MAX bytes, which every limit of the programs is far below. */
void pg_parameters_add_binary(PgParameters *parameters, const char *bytes, size_t length);
void pg_parameters_fail(PgParameters *parameters);

/* pg_query_run() with these parameters; the query names none. BUG when a value failed. */
Status pg_parameters_run(const PgParameters *parameters, PGconn *connection, const Wait *wait,
						 PgQuery query, PGresult **result);
