/*
 * error.c
 *		The table of SQLSTATE prefixes. Pure.
 */
#include "postgres/error.h"

#include <stdio.h>
#include <string.h>

typedef struct SqlstateRule
{
	const char *prefix;
	StatusClass class;
	ExitCode exit_code;
} SqlstateRule;

/* The first prefix that fits decides. */
static const SqlstateRule sqlstate_rules[] = {
	{"08", STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{"40", STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{"53400", STATUS_FATAL, EXIT_CODE_CONFIGURATION}, /* all replication slots are taken */
	{"53", STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{"57", STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{"58P01", STATUS_FATAL, EXIT_CODE_CONFIGURATION}, /* a file (library, WAL segment) is missing */
	{"58", STATUS_RETRY, EXIT_CODE_PEER_GONE},
	{"55P03", STATUS_RETRY, EXIT_CODE_PEER_GONE}, /* lock_timeout */
	{"55006", STATUS_RETRY, EXIT_CODE_PEER_GONE}, /* the slot is in use */
	{"25006", STATUS_RETRY, EXIT_CODE_PEER_GONE}, /* the server is a standby now */
	{"28", STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{"3D", STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{"42", STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{"55", STATUS_FATAL, EXIT_CODE_CONFIGURATION},
	{"WL", STATUS_FATAL, EXIT_CODE_CONFIGURATION},
};

Status
pg_sqlstate_classify(const char *sqlstate, const char *text)
{
	SqlstateRule rule = {"", STATUS_FATAL, EXIT_CODE_BUG};

	if (sqlstate == NULL || sqlstate[0] == '\0')
		return status_retry("%s", text);
	for (size_t i = 0; i < sizeof(sqlstate_rules) / sizeof(sqlstate_rules[0]); i++)
		if (strncmp(sqlstate, sqlstate_rules[i].prefix, strlen(sqlstate_rules[i].prefix)) == 0)
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
	return strncmp(status->sqlstate, "22", 2) == 0 || strncmp(status->sqlstate, "23", 2) == 0;
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
