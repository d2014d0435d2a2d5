/*
 * pipeline.c
 *		Sends all queries, then one Sync, then reads a result for each.
 */
#include "postgres/pipeline.h"

#include <string.h>

#include "postgres/error.h"

static bool
queries_send(PGconn *connection, const PgQuery *queries, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		const PgQuery *query = &queries[i];
		int format = query->binary_result ? 1 : 0;
		int sent =
			query->prepared != NULL
				? PQsendQueryPrepared(connection, query->prepared, query->parameter_count,
									  query->values, query->lengths, query->formats, format)
				: PQsendQueryParams(connection, query->sql, query->parameter_count, query->types,
									query->values, query->lengths, query->formats, format);

		if (sent != 1)
			return false;
	}
	return PQpipelineSync(connection) == 1;
}

/* The result of one query and the NULL behind it. */
static Status
result_take(PGconn *connection, const Wait *wait, PGresult **result)
{
	PGresult *end = NULL;
	Status status = pg_result_wait(connection, wait, result);

	if (status_is_ok(&status) && *result == NULL)
		status = pg_connection_error(connection, "lost PostgreSQL");
	if (status_is_ok(&status))
		status = pg_result_wait(connection, wait, &end);
	if (status_is_ok(&status) && end != NULL)
		status = status_bug("PostgreSQL gave two results for one query");
	PQclear(end);
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
results_take(PGconn *connection, const Wait *wait, PGresult **results, size_t count)
{
	PGresult *sync = NULL;
	Status status = status_ok();

	for (size_t i = 0; i < count && status_is_ok(&status); i++)
		status = result_take(connection, wait, &results[i]);
	if (status_is_ok(&status))
		status = results_check(connection, results, count);
	if (status_is_ok(&status))
		status = pg_result_wait(connection, wait, &sync);
	if (status_is_ok(&status) && PQresultStatus(sync) != PGRES_PIPELINE_SYNC)
		status = pg_connection_error(connection, "lost PostgreSQL");
	PQclear(sync);
	return status;
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
		status = results_take(connection, wait, results, count);
	if (status_is_ok(&status) && PQexitPipelineMode(connection) != 1)
		status = pg_connection_error(connection, "cannot end a pipeline");
	if (status_is_ok(&status))
		return status;
	for (size_t i = 0; i < count; i++)
	{
		PQclear(results[i]);
		results[i] = NULL;
	}
	return status;
}
