/*
 * query.c
 *		Sends without blocking, waits with poll(2), checks what came.
 */
#include "postgres/query.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "postgres/error.h"

Status
pg_output_flush(PGconn *connection, const Wait *wait)
{
	for (;;)
	{
		int left = PQflush(connection);

		if (left < 0)
			return pg_connection_error(connection, "cannot send to PostgreSQL");
		if (left == 0)
			return status_ok();

		/* The server may have to get rid of its answers before it reads on. */
		WaitResult result = wait_for_fd(wait, PQsocket(connection), POLLIN | POLLOUT);

		if (result != WAIT_READY)
			return wait_status(result, "sending to PostgreSQL");
		if (PQconsumeInput(connection) == 0)
			return pg_connection_error(connection, "cannot send to PostgreSQL");
	}
}

Status
pg_result_wait(PGconn *connection, const Wait *wait, PGresult **result)
{
	*result = NULL;

	Status status = pg_output_flush(connection, wait);

	if (!status_is_ok(&status))
		return status;
	while (PQisBusy(connection))
	{
		WaitResult waited = wait_for_fd(wait, PQsocket(connection), POLLIN);

		if (waited != WAIT_READY)
			return wait_status(waited, "waiting for PostgreSQL");
		if (PQconsumeInput(connection) == 0)
			return pg_connection_error(connection, "lost PostgreSQL");
	}
	*result = PQgetResult(connection);
	return status_ok();
}

/* Waits for the last result of a query; the first error wins over what follows it. */
static Status
results_collect(PGconn *connection, const Wait *wait, PGresult **last)
{
	*last = NULL;
	for (;;)
	{
		PGresult *result = NULL;
		Status status = pg_result_wait(connection, wait, &result);

		if (!status_is_ok(&status))
		{
			PQclear(*last);
			*last = NULL;
			return status;
		}
		if (result == NULL)
			return status;
		if (*last != NULL && PQresultStatus(*last) == PGRES_FATAL_ERROR)
		{
			PQclear(result);
			continue;
		}
		PQclear(*last);
		*last = result;

		ExecStatusType kind = PQresultStatus(result);

		/* These go on until the caller ends them. */
		if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT || kind == PGRES_COPY_BOTH)
			return status;
	}
}

static bool
query_send(PGconn *connection, const PgQuery *query)
{
	int format = query->binary_result ? 1 : 0;

	if (query->prepared != NULL)
		return PQsendQueryPrepared(connection, query->prepared, query->parameter_count,
								   query->values, query->lengths, query->formats, format) == 1;
	/* A walsender takes simple queries only. */
	if (query->parameter_count == 0 && format == 0)
		return PQsendQuery(connection, query->sql) == 1;
	return PQsendQueryParams(connection, query->sql, query->parameter_count, query->types,
							 query->values, query->lengths, query->formats, format) == 1;
}

/* Whether the result has the shape the caller counts on. */
static Status
shape_check(const PgQuery *query, const PGresult *result)
{
	if (query->column_count != PQnfields(result))
		return status_fatal(EXIT_CODE_BUG, "PostgreSQL answered with %d columns, expected %d",
							PQnfields(result), query->column_count);
	if (query->one_row && PQntuples(result) != 1)
		return status_fatal(EXIT_CODE_BUG, "PostgreSQL answered with %d rows, expected 1",
							PQntuples(result));
	return status_ok();
}

Status
pg_query_run(PGconn *connection, const Wait *wait, const PgQuery *query, PGresult **result)
{
	PGresult *last = NULL;

	if (result != NULL)
		*result = NULL;
	if (!query_send(connection, query))
		return pg_connection_error(connection, "cannot send a query");

	Status status = results_collect(connection, wait, &last);

	if (!status_is_ok(&status))
		return status;
	status = pg_result_check(connection, last, NULL);
	if (status_is_ok(&status))
		status = shape_check(query, last);
	if (status_is_ok(&status) && result != NULL)
		*result = last;
	else
		PQclear(last);
	return status;
}

Status
pg_command_run(PGconn *connection, const Wait *wait, const char *sql)
{
	return pg_query_run(connection, wait, &(const PgQuery){.sql = sql}, NULL);
}

Status
pg_statement_prepare(PGconn *connection, const Wait *wait, const char *name, const char *sql,
					 int parameter_count, const Oid *types)
{
	PGresult *last = NULL;

	if (PQsendPrepare(connection, name, sql, parameter_count, types) != 1)
		return pg_connection_error(connection, "cannot prepare a statement");

	Status status = results_collect(connection, wait, &last);

	if (status_is_ok(&status))
		status = pg_result_check(connection, last, NULL);
	PQclear(last);
	return status;
}

Status
pg_copy_begin(PGconn *connection, const Wait *wait, const char *sql)
{
	PGresult *last = NULL;

	if (PQsendQuery(connection, sql) != 1)
		return pg_connection_error(connection, "cannot begin a COPY");

	Status status = results_collect(connection, wait, &last);

	if (status_is_ok(&status))
		status = pg_result_check(connection, last, NULL);
	if (status_is_ok(&status) && PQresultStatus(last) != PGRES_COPY_IN)
		status = status_bug("not a COPY FROM STDIN: %s", sql);
	PQclear(last);
	return status;
}

Status
pg_copy_put(PGconn *connection, const Wait *wait, const char *data, size_t bytes)
{
	if (bytes > INT_MAX)
		return status_bug("a piece of COPY data of %zu bytes", bytes);
	for (;;)
	{
		int queued = PQputCopyData(connection, data, (int) bytes);

		if (queued < 0)
			return pg_connection_error(connection, "cannot send COPY data");

		/* Sent before the next piece, or libpq's buffer would grow with the whole COPY. */
		Status status = pg_output_flush(connection, wait);

		if (queued == 1 || !status_is_ok(&status))
			return status;
	}
}

Status
pg_copy_end(PGconn *connection, const Wait *wait, int64_t *rows)
{
	PGresult *last = NULL;
	int queued = PQputCopyEnd(connection, NULL);
	Status status = status_ok();

	while (queued == 0 && status_is_ok(&status))
	{
		status = pg_output_flush(connection, wait);
		queued = PQputCopyEnd(connection, NULL);
	}
	if (queued < 0)
		return pg_connection_error(connection, "cannot end a COPY");
	if (status_is_ok(&status))
		status = results_collect(connection, wait, &last);
	if (status_is_ok(&status))
		status = pg_result_check(connection, last, NULL);
	if (status_is_ok(&status) && rows != NULL)
		*rows = atoll(PQcmdTuples(last));
	PQclear(last);
	return status;
}
