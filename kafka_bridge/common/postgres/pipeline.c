/*
 * pipeline.c
 *		Sends all queries, then one Sync, then reads a result for each.
 */
#include "postgres/pipeline.h"

#include <stdio.h>
#include <string.h>

#include "postgres/error.h"

static bool
query_send(PGconn *connection, const PgQuery *query)
{
	int format = query->binary_result ? 1 : 0;

	if (query->prepare && PQsendPrepare(connection, query->prepared, query->sql, 0, NULL) != 1)
		return false;
	return (query->prepared != NULL
				? PQsendQueryPrepared(connection, query->prepared, query->parameter_count,
									  query->values, query->lengths, query->formats, format)
				: PQsendQueryParams(connection, query->sql, query->parameter_count, query->types,
									query->values, query->lengths, query->formats, format)) == 1;
}

static bool
queries_send(PGconn *connection, const PgQuery *queries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!query_send(connection, &queries[i]))
			return false;
	return PQpipelineSync(connection) == 1;
}

/* Hands out single rows until there is another result, which is returned. */
static Status
rows_take(PGconn *connection, const Wait *wait, const PgRowSink *rows, PGresult **result)
{
	bool is_wanted = true;
	Status status = status_ok();

	rows->begin(rows->context);
	/* Fails for a query behind one that failed, which has no rows. */
	PQsetSingleRowMode(connection);
	for (;;)
	{
		status = pg_result_wait(connection, wait, result);
		if (!status_is_ok(&status) || *result == NULL ||
			PQresultStatus(*result) != PGRES_SINGLE_TUPLE)
			return status;
		is_wanted = is_wanted && rows->take(rows->context, *result);
		PQclear(*result);
		*result = NULL;
	}
}

/* The result of one message and the NULL behind it. */
static Status
result_take(PGconn *connection, const Wait *wait, const PgRowSink *rows, PGresult **result)
{
	PGresult *end = NULL;
	Status status = rows != NULL ? rows_take(connection, wait, rows, result)
								 : pg_result_wait(connection, wait, result);

	if (status_is_ok(&status) && *result == NULL)
		status = pg_connection_error(connection, "lost PostgreSQL");
	if (status_is_ok(&status))
		status = pg_result_wait(connection, wait, &end);
	if (status_is_ok(&status) && end != NULL)
		status = status_bug("PostgreSQL gave two results for one query");
	PQclear(end);
	return status;
}

/* Of a statement that is prepared first, that error counts: what follows it was not run. */
static Status
query_take(PGconn *connection, const Wait *wait, const PgQuery *query, PGresult **result)
{
	PGresult *prepared = NULL;
	Status status = status_ok();

	if (query->prepare)
		status = result_take(connection, wait, NULL, &prepared);
	if (status_is_ok(&status))
		status = result_take(connection, wait, query->rows, result);
	if (prepared != NULL && PQresultStatus(prepared) == PGRES_FATAL_ERROR)
	{
		PQclear(*result);
		*result = prepared;
		return status;
	}
	PQclear(prepared);
	return status;
}

/* A connection that broke shows as a result without a SQLSTATE. */
static Status
results_check(const PGconn *connection, PGresult **results, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (PQresultStatus(results[i]) == PGRES_FATAL_ERROR &&
			PQresultErrorField(results[i], PG_DIAG_SQLSTATE) == NULL)
			return pg_connection_error(connection, "lost PostgreSQL");
	return status_ok();
}

static Status
results_take(PGconn *connection, const Wait *wait, const PgQuery *queries, size_t count,
			 PGresult **results)
{
	PGresult *sync = NULL;
	Status status = status_ok();

	for (size_t i = 0; i < count && status_is_ok(&status); i++)
		status = query_take(connection, wait, &queries[i], &results[i]);
	if (status_is_ok(&status))
		status = results_check(connection, results, count);
	if (status_is_ok(&status))
		status = pg_result_wait(connection, wait, &sync);
	if (status_is_ok(&status) && PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
		status = pg_connection_error(connection, "lost PostgreSQL");
	PQclear(sync);
	return status;
}

/* What the server has said before it hung up stands in the status. */
static void
results_drop(PGresult **results, size_t count, Status *status)
{
	for (size_t i = 0; i < count; i++)
	{
		const char *sqlstate = PQresultErrorField(results[i], PG_DIAG_SQLSTATE);

		if (sqlstate != NULL && status->sqlstate[0] == '\0')
			snprintf(status->sqlstate, sizeof(status->sqlstate), "%s", sqlstate);
		PQclear(results[i]);
		results[i] = NULL;
	}
}

Status
pg_pipeline_run(PGconn *connection, const Wait *wait, const PgQuery *queries, size_t count,
				PGresult **results)
{
	Status status = status_ok();

	memset(results, 0, count * sizeof(*results));
	if (PQenterPipelineMode(connection) != 1 || !queries_send(connection, queries, count))
		status = pg_connection_error(connection, "cannot send a query");
	if (status_is_ok(&status))
		status = results_take(connection, wait, queries, count, results);
	if (status_is_ok(&status) && PQexitPipelineMode(connection) != 1)
		status = pg_connection_error(connection, "cannot end a pipeline");
	if (status_is_ok(&status))
		return status;
	results_drop(results, count, &status);
	return status;
}
