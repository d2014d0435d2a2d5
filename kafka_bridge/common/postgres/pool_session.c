/*
 * pool_session.c
 *		Sessions that find the extension's functions wherever it was created, and survive a pooler.
 *
 * Nothing is set for longer than a transaction: behind a pooler in transaction mode the next one
 * may run in another session of the server, and this one be somebody else's.
 */
#include "postgres/pool_session.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The functions' schema first in the search_path, also on a router of shards; else no row. */
static const char schema_sql[] =
	"SELECT pg_catalog.quote_ident(n.nspname) || ', pg_catalog, pg_temp', "
	"pg_catalog.pg_is_in_recovery() "
	"FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace "
	"WHERE e.extname IN ('wallet', 'wallet_router')";

static Status
schema_find(PgSession *session, const Wait *wait)
{
	PGresult *result = NULL;
	const PgQuery query = {.sql = schema_sql, .column_count = 2};
	Status status = pg_query_run(session->connection, wait, &query, &result);

	if (!status_is_ok(&status))
		return status;
	if (PQntuples(result) == 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "database %s has no extension wallet: run CREATE EXTENSION wallet",
							  PQdb(session->connection));
	else if (session->plan->must_write && PQgetvalue(result, 0, 1)[0] == 't')
		status = status_retry("PostgreSQL is a standby, which takes no operations");
	else
		snprintf(session->search_path, sizeof(session->search_path), "%s",
				 PQgetvalue(result, 0, 0));
	PQclear(result);
	return status;
}

Status
pg_session_open(PgSession *session, const Wait *wait)
{
	session->is_broken = false;
	memset(session->statements, 0, sizeof(session->statements));

	Status status = pg_connection_open(session->plan->pg, PG_MODE_NORMAL,
									   session->plan->application_name, wait, &session->connection);

	if (status_is_ok(&status))
		status = schema_find(session, wait);
	if (!status_is_ok(&status))
		pg_session_close(session);
	return status;
}

void
pg_session_close(PgSession *session)
{
	pg_connection_close(&session->connection);
}

PgSession *
pg_session_new(const PgPoolPlan *plan)
{
	PgSession *session = calloc(1, sizeof(PgSession));

	if (session != NULL)
		session->plan = plan;
	return session;
}

void
pg_session_free(PgSession *session)
{
	if (session == NULL)
		return;
	pg_session_close(session);
	free(session);
}

/* What a server says before it hangs up is read first; then the end is seen. */
bool
pg_session_is_alive(PgSession *session)
{
	struct pollfd look = {.fd = PQsocket(session->connection), .events = POLLIN};

	if (session->is_broken || PQstatus(session->connection) != CONNECTION_OK)
		return false;
	while (poll(&look, 1, 0) > 0)
	{
		if (PQconsumeInput(session->connection) != 1 ||
			PQstatus(session->connection) != CONNECTION_OK)
			return false;
		/* Takes it apart, so that it cannot gather. */
		PQisBusy(session->connection);
	}
	return true;
}

PgStatement *
pg_session_statement(PgSession *session, const char *sql)
{
	size_t at = ((uintptr_t) sql >> 4) % PG_SESSION_STATEMENTS_MAX;

	for (size_t n = 0; n < PG_SESSION_STATEMENTS_MAX; n++)
	{
		PgStatement *statement = &session->statements[(at + n) % PG_SESSION_STATEMENTS_MAX];

		if (statement->sql == sql)
			return statement;
		if (statement->sql != NULL)
			continue;
		statement->sql = sql;
		pg_statement_name(sql, statement->name);
		return statement;
	}
	return NULL;
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
