/*
 * history_session.c
 *		Sets up what every batch relies on.
 *
 * synchronous_commit is off: rows and positions are lost together or not at all, and what is lost
 * is read from Kafka again, so the history needs no fsync of its own beside those of the payments.
 *
 * The replication origin marks what this session writes, so that the output plugin skips it; it
 * serves speed alone, and a role that may not set one up works without it.
 */
#include "history_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/log.h"
#include "wallet_event.h"

#define ORIGINS_MAX 64

static const char session_settings[] = "SET client_encoding TO 'UTF8';"
									   "SET search_path TO pg_catalog, pg_temp;"
									   "SET default_transaction_isolation TO 'read committed';"
									   "SET default_transaction_read_only TO off;"
									   "SET synchronous_commit TO off;"
									   "SET jit TO off;"
									   "SET lock_timeout TO '5s';"
									   "SET statement_timeout TO '60s';"
									   "SET idle_in_transaction_session_timeout TO '15s'";

Status
history_schema_find(HistorySession *session, const Wait *wait)
{
	PGresult *result = NULL;
	PgQuery query = {.sql =
						 "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e "
						 "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
						 "WHERE e.extname = '" WALLET_EXTENSION_NAME "'",
					 .column_count = 1};
	Status status = pg_query_run(session->connection, wait, &query, &result);

	if (!status_is_ok(&status))
		return status;
	if (PQntuples(result) != 1)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "database %s has no extension wallet: run CREATE EXTENSION wallet",
							  PQdb(session->connection));
	else
	{
		session->schema = strdup(PQgetvalue(result, 0, 0));
		if (session->schema == NULL)
			status = status_bug("out of memory");
	}
	PQclear(result);
	return status;
}

/* Takes one origin; OK also when another session has it: then *taken stays false. */
static Status
origin_take(const HistorySession *session, const Wait *wait, int number, bool *taken)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
			 "SELECT pg_catalog.pg_replication_origin_create('%1$s%2$d') "
			 "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_origin "
			 "WHERE roname = '%1$s%2$d')",
			 WALLET_HISTORY_ORIGIN_PREFIX, number);

	Status status = pg_query_run(session->connection, wait,
								 &(const PgQuery){.sql = sql, .column_count = 1}, NULL);

	/* Another session creates it at this moment: it exists, which is all that is wanted. */
	if (!status_is_ok(&status) && !pg_status_is(&status, PG_UNIQUE_VIOLATION) &&
		!pg_status_is(&status, PG_DUPLICATE_OBJECT))
		return status;
	snprintf(sql, sizeof(sql), "SELECT pg_catalog.pg_replication_origin_session_setup('%s%d')",
			 WALLET_HISTORY_ORIGIN_PREFIX, number);
	status = pg_query_run(session->connection, wait,
						  &(const PgQuery){.sql = sql, .column_count = 1}, NULL);
	*taken = status_is_ok(&status);
	return pg_status_is(&status, PG_OBJECT_IN_USE) ? status_ok() : status;
}

#define ORIGIN_RESET "SELECT pg_catalog.pg_replication_origin_xact_reset()"

Status
history_session_stamp(const HistorySession *session, const Wait *wait)
{
	if (!session->has_origin)
		return status_ok();
	return pg_query_run(session->connection, wait,
						&(const PgQuery){.sql = ORIGIN_RESET, .column_count = 1}, NULL);
}

const char *
history_session_stamp_text(const HistorySession *session)
{
	return session->has_origin ? ORIGIN_RESET "; " : "";
}

Status
history_session_begin(const HistorySession *session, const Wait *wait)
{
	return pg_command_run(session->connection, wait,
						  session->has_origin ? ORIGIN_RESET "; BEGIN" : "BEGIN");
}

/* A role of an earlier version may lack the right. */
static Status
origin_reset_try(HistorySession *session, const Wait *wait)
{
	static bool refusal_logged = false;

	session->has_origin = true;

	Status status = history_session_stamp(session, wait);

	session->has_origin = status_is_ok(&status);
	if (!pg_status_is(&status, PG_INSUFFICIENT_PRIVILEGE))
		return status;
	if (!refusal_logged)
		log_status(LOG_LEVEL_WARNING, "commit timestamps of the history stand still: grant EXECUTE",
				   &status);
	refusal_logged = true;
	return status_ok();
}

/* A refusal is logged once per process: reconnecting would repeat it for ever. */
static Status
origin_set_up(HistorySession *session, const Wait *wait)
{
	static bool refusal_logged = false;
	bool taken = false;
	Status status = status_ok();

	for (int number = 0; number < ORIGINS_MAX && !taken && status_is_ok(&status); number++)
		status = origin_take(session, wait, number, &taken);
	if (PQstatus(session->connection) != CONNECTION_OK)
		return status;
	if (taken)
		return origin_reset_try(session, wait);
	if (!refusal_logged)
	{
		refusal_logged = true;
		log_warning("no replication origin: the history's own writes are decoded and skipped one "
					"by one",
					log_text("reason", status_is_ok(&status) ? "all are taken" : status.text));
	}
	return status_ok();
}

Status
history_session_open(HistorySession *session, const PgOptions *options, const char *owner,
					 const Wait *wait)
{
	Status status = pg_connection_open(options, PG_MODE_NORMAL, owner, wait, &session->connection);

	if (status_is_ok(&status))
		status = pg_command_run(session->connection, wait, session_settings);
	if (status_is_ok(&status))
		status = history_schema_find(session, wait);
	if (status_is_ok(&status))
		status = origin_set_up(session, wait);
	if (!status_is_ok(&status))
		history_session_close(session);
	return status;
}

void
history_session_close(HistorySession *session)
{
	pg_connection_close(&session->connection);
	free(session->schema);
	session->schema = NULL;
}

Status
history_statement_print(char *text, size_t bytes, const char *sql, const char *schema)
{
	static const char place[] = "%1$s";
	size_t length = 0;

	for (const char *at = sql; *at != '\0';)
	{
		bool found = strncmp(at, place, sizeof(place) - 1) == 0;
		const char *piece = found ? schema : at;
		size_t piece_length = found ? strlen(schema) : 1;

		if (length + piece_length >= bytes)
			return status_bug("a statement is too long: %.60s", sql);
		memcpy(text + length, piece, piece_length);
		length += piece_length;
		at += found ? sizeof(place) - 1 : 1;
	}
	text[length] = '\0';
	return status_ok();
}

Status
history_statement_prepare(const HistorySession *session, const Wait *wait, const char *name,
						  const char *sql, int parameter_count, const Oid *types)
{
	char text[HISTORY_STATEMENT_BYTES];
	Status status = history_statement_print(text, sizeof(text), sql, session->schema);

	if (!status_is_ok(&status))
		return status;
	return pg_statement_prepare(session->connection, wait, name, text, parameter_count, types);
}

Status
history_session_terminate(const HistorySession *session, const Wait *wait, const char *owner)
{
	const char *values[] = {owner};
	PgQuery query = {
		.sql = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
			   "WHERE application_name = $1 AND usename = CURRENT_USER "
			   "AND pid <> pg_catalog.pg_backend_pid()",
		.parameter_count = 1,
		.values = values,
		.column_count = 1};

	return pg_query_run(session->connection, wait, &query, NULL);
}
