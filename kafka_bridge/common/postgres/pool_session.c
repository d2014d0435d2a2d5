/*
 * pool_session.c
 *		Opens sessions that find the extension's functions wherever it was created.
 */
#include "postgres/pool_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Beyond PostgreSQL's own timeout: then it is the network that is silent. */
#define STATEMENT_GRACE_MS 2000

/* Cut in time zones and formats, so that what SQL prints is always the same. */
static const char session_settings[] = "SET TimeZone TO 'UTC';"
									   "SET DateStyle TO 'ISO, YMD';"
									   "SET IntervalStyle TO 'postgres';"
									   "SET default_transaction_isolation TO 'read committed';"
									   "SET jit TO off;"
									   "SET plan_cache_mode TO 'force_generic_plan';";

static Status
settings_set(PGconn *connection, const PgPoolOptions *options, const Wait *wait)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
			 "%sSET statement_timeout TO %" PRId64 ";SET lock_timeout TO %" PRId64,
			 session_settings, options->statement_timeout_ms, options->lock_timeout_ms);
	return pg_command_run(connection, wait, sql);
}

/* The extension's schema first in the search_path; no row without the extension. */
static const char schema_sql[] =
	"SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident(n.nspname) || "
	"', pg_catalog, pg_temp', false), pg_catalog.pg_is_in_recovery() "
	"FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace "
	"WHERE e.extname = 'wallet'";

static Status
schema_set(PGconn *connection, bool must_write, const Wait *wait)
{
	PGresult *result = NULL;
	const PgQuery query = {.sql = schema_sql, .column_count = 2};
	Status status = pg_query_run(connection, wait, &query, &result);

	if (!status_is_ok(&status))
		return status;
	if (PQntuples(result) == 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "database %s has no extension wallet: run CREATE EXTENSION wallet",
							  PQdb(connection));
	else if (must_write && PQgetvalue(result, 0, 1)[0] == 't')
		status = status_retry("PostgreSQL is a standby, which takes no operations");
	PQclear(result);
	return status;
}

Status
pg_pool_connection_open(const PgPoolPlan *plan, const Wait *wait, PGconn **connection)
{
	Status status =
		pg_connection_open(plan->pg, PG_MODE_NORMAL, plan->application_name, wait, connection);

	if (status_is_ok(&status))
		status = settings_set(*connection, plan->options, wait);
	if (status_is_ok(&status))
		status = schema_set(*connection, plan->must_write, wait);
	if (!status_is_ok(&status))
		pg_connection_close(connection);
	return status;
}

Status
pg_session_open(PgSession *session, const Wait *wait)
{
	session->is_broken = false;
	memset(session->is_prepared, 0, sizeof(session->is_prepared));
	return pg_pool_connection_open(session->plan, wait, &session->connection);
}

void
pg_session_close(PgSession *session)
{
	pg_connection_close(&session->connection);
}

bool
pg_session_is_alive(PgSession *session)
{
	return PQconsumeInput(session->connection) == 1 &&
		   PQstatus(session->connection) == CONNECTION_OK;
}

PGconn *
pg_session_connection(PgSession *session)
{
	return session->connection;
}

Wait
pg_session_wait(const PgSession *session)
{
	return wait_begin(-1, session->plan->options->statement_timeout_ms + STATEMENT_GRACE_MS);
}

Status
pg_session_prepare(PgSession *session, size_t statement, const char *sql,
				   char name[PG_SESSION_NAME_BYTES])
{
	Wait wait = pg_session_wait(session);

	if (statement >= PG_SESSION_STATEMENTS_MAX)
		return status_bug("statement %zu of a pool", statement);
	snprintf(name, PG_SESSION_NAME_BYTES, "s%zu", statement);
	if (session->is_prepared[statement])
		return status_ok();

	Status status = pg_statement_prepare(session->connection, &wait, name, sql, 0, NULL);

	session->is_prepared[statement] = status_is_ok(&status);
	return status;
}

void
pg_session_break(PgSession *session)
{
	session->is_broken = true;
}

/*
 * The session may not see what changed (another primary, another extension) before it is renewed.
 */
static bool
session_is_stale(const char *sqlstate)
{
	static const char *const stale[] = {PG_READ_ONLY_TRANSACTION, PG_CLASS_SHUTDOWN,
										PG_CLASS_SYNTAX,		  PG_CLASS_UNSUPPORTED,
										PG_CLASS_STATEMENT,		  PG_CLASS_INTERNAL,
										PG_CLASS_CONNECTION,	  PG_CLASS_SYSTEM};

	if (pg_sqlstate_is(sqlstate, PG_INSUFFICIENT_PRIVILEGE))
		return false;
	for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		if (pg_sqlstate_is(sqlstate, stale[i]))
			return true;
	return false;
}

void
pg_session_error(PgSession *session, const char *sqlstate)
{
	if (session_is_stale(sqlstate))
		pg_session_break(session);
}
