/*
 * error.c
 *		The table of SQLSTATE prefixes. Pure.
 */
#include "postgres/error.h"

#include <stdio.h>
#include <string.h>

typedef struct SqlstateRule
{
	const char *code; /* or class */
	StatusClass class;
	ExitCode exit_code;
} SqlstateRule;

/* The first that fits decides. */
static const SqlstateRule sqlstate_rules[] = {
	{PG_CLASS_CONNECTION, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_CLASS_ROLLBACK, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_CONFIGURATION_LIMIT, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_RESOURCES, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_CLASS_OPERATOR, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_UNDEFINED_FILE, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_SYSTEM, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_LOCK_NOT_AVAILABLE, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_OBJECT_IN_USE, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_READ_ONLY_TRANSACTION, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{PG_CLASS_AUTHORIZATION, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_DATABASE, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_SYNTAX, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_STATE, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{PG_CLASS_WALLET, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
};

bool
pg_sqlstate_is(const char *sqlstate, const char *code)
{
	return strncmp(sqlstate, code, strlen(code)) == 0;
}

bool
pg_status_is(const Status *status, const char *code)
{
	return pg_sqlstate_is(status->sqlstate, code);
}

Status
pg_sqlstate_classify(const char *sqlstate, const char *text)
{
	SqlstateRule rule = {"", STATUS_FATAL, EXIT_CODE_BUG};

	if (sqlstate == NULL || sqlstate[0] == '\0')
		return status_retry("%s", text);
	for (size_t i = 0; i < sizeof(sqlstate_rules) / sizeof(sqlstate_rules[0]); i++)
		if (pg_sqlstate_is(sqlstate, sqlstate_rules[i].code))
		{
			rule = sqlstate_rules[i];
			break;
		}

	Status status = rule.class == STATUS_RETRY ? status_retry("%s", text)
											   : status_fatal(rule.exit_code, "%s", text);

	snprintf(status.sqlstate, sizeof(status.sqlstate), "%s", sqlstate);
	return status;
}

bool
pg_status_is_data_error(const Status *status)
{
	return pg_status_is(status, PG_CLASS_DATA) || pg_status_is(status, PG_CLASS_INTEGRITY);
}

/* "message (detail): hint" of an error result, without context and position. */
static void
result_text_print(const PGresult *result, char *text, size_t bytes)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	snprintf(text, bytes, "%s%s%s%s%s%s", message != NULL ? message : "error",
			 detail != NULL ? " (" : "", detail != NULL ? detail : "", detail != NULL ? ")" : "",
			 hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

Status
pg_connection_error(const PGconn *connection, const char *what)
{
	const char *message = PQerrorMessage(connection);

	return status_retry("%s: %s", what, message[0] != '\0' ? message : "connection lost");
}

Status
pg_result_check(const PGconn *connection, const PGresult *result, const char *what)
{
	char text[STATUS_TEXT_BYTES];

	if (result == NULL)
		return pg_connection_error(connection, what != NULL ? what : "no result");

	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	switch (PQresultStatus(result))
	{
		case PGRES_BAD_RESPONSE:
			return pg_connection_error(connection, what != NULL ? what : "bad response");
		case PGRES_FATAL_ERROR:
			/* Without a SQLSTATE it is libpq that speaks: the connection broke. */
			if (sqlstate == NULL)
				snprintf(text, sizeof(text), "%s", PQresultErrorMessage(result));
			else
				result_text_print(result, text, sizeof(text));
			break;
		default:
			return status_ok();
	}

	Status status = pg_sqlstate_classify(sqlstate, text);

	return what != NULL ? status_prefix(status, "%s", what) : status;
}
