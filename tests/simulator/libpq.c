/*
 * libpq.c
 *		The functions of libpq that the bridge calls, on the scripted server. What only reads texts
 *		(PQconninfoParse) is libpq's own.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler.h"
#include "server.h"

PGconn *
PQconnectStartParams(const char *const *keywords, const char *const *values, int expand_dbname)
{
	(void) keywords;
	(void) values;
	(void) expand_dbname;
	return server_connect();
}

PostgresPollingStatusType
PQconnectPoll(PGconn *session)
{
	if (!session->connected)
		return PGRES_POLLING_READING;
	return session->refused || session->lost ? PGRES_POLLING_FAILED : PGRES_POLLING_OK;
}

ConnStatusType
PQstatus(const PGconn *session)
{
	if (session->refused || session->lost)
		return CONNECTION_BAD;
	return session->connected ? CONNECTION_OK : CONNECTION_STARTED;
}

int
PQsocket(const PGconn *session)
{
	return session->client_closed ? -1 : session->fd;
}

void
PQfinish(PGconn *session)
{
	thread_yield();
	server_session_close(session, (int64_t) chance(5000));
}

char *
PQerrorMessage(const PGconn *session)
{
	static char refused[] = "connection refused";
	static char lost[] = "server closed the connection unexpectedly";

	return session->refused ? refused : lost;
}

int
PQconnectionNeedsPassword(const PGconn *session)
{
	(void) session;
	return 0;
}

PGVerbosity
PQsetErrorVerbosity(PGconn *session, PGVerbosity verbosity)
{
	(void) session;
	return verbosity;
}

int
PQsetnonblocking(PGconn *session, int nonblocking)
{
	(void) session;
	(void) nonblocking;
	return 0;
}

PQnoticeReceiver
PQsetNoticeReceiver(PGconn *session, PQnoticeReceiver receiver, void *context)
{
	(void) session;
	(void) context;
	return receiver;
}

char *
PQhost(const PGconn *session)
{
	static char host[] = "localhost";

	(void) session;
	return host;
}

char *
PQport(const PGconn *session)
{
	static char port[] = "5432";

	(void) session;
	return port;
}

int
PQserverVersion(const PGconn *session)
{
	(void) session;
	return 150000;
}

int
PQsendQuery(PGconn *session, const char *command)
{
	if (session->lost)
		return 0;
	if (strlen(command) >= COMMAND_BYTES)
		abort();
	strcpy(session->command, command);
	if (strncmp(command, "BEGIN", 5) != 0)
		trace("session %d: %.60s", session->number, command);
	server_command(session);
	return 1;
}

int
PQflush(PGconn *session)
{
	(void) session;
	return 0;
}

int
PQconsumeInput(PGconn *session)
{
	thread_yield();
	return session->lost ? 0 : 1;
}

int
PQisBusy(PGconn *session)
{
	return session->busy && !session->answered && !session->lost;
}

static PGresult *
result_lost(void)
{
	PGresult *result = calloc(1, sizeof(*result));

	result->status = PGRES_FATAL_ERROR;
	result->message = "server closed the connection unexpectedly";
	return result;
}

PGresult *
PQgetResult(PGconn *session)
{
	PGresult *answer = session->answer;

	if (!session->busy)
		return NULL;
	if (!session->answered)
		answer = result_lost();
	session->answer = NULL;
	/* The end of a command comes at once behind its answer; COPY goes on without one. */
	if (answer == NULL || session->lost || answer->status == PGRES_COPY_BOTH)
	{
		session->busy = false;
		session->answered = false;
	}
	return answer;
}

void
PQclear(PGresult *result)
{
	free(result);
}

ExecStatusType
PQresultStatus(const PGresult *result)
{
	return result == NULL ? PGRES_FATAL_ERROR : result->status;
}

char *
PQresStatus(ExecStatusType status)
{
	static char text[] = "a status";

	(void) status;
	return text;
}

int
PQntuples(const PGresult *result)
{
	return result == NULL ? 0 : result->rows;
}

int
PQnfields(const PGresult *result)
{
	return result == NULL ? 0 : result->columns;
}

int
PQgetisnull(const PGresult *result, int row, int column)
{
	(void) row;
	return result->values[column][0] == '\1';
}

char *
PQgetvalue(const PGresult *result, int row, int column)
{
	static char nothing[] = "";

	return PQgetisnull(result, row, column) ? nothing : (char *) (uintptr_t) result->values[column];
}

char *
PQresultErrorField(const PGresult *result, int field)
{
	if (result->status != PGRES_FATAL_ERROR || result->sqlstate[0] == '\0')
		return NULL;
	if (field == PG_DIAG_SQLSTATE)
		return (char *) (uintptr_t) result->sqlstate;
	return field == PG_DIAG_MESSAGE_PRIMARY ? (char *) (uintptr_t) result->message : NULL;
}

char *
PQresultErrorMessage(const PGresult *result)
{
	return (char *) (uintptr_t) (result->message != NULL ? result->message : "");
}

int
PQgetCopyData(PGconn *session, char **buffer, int async)
{
	InboxMessage *message = &session->inbox[session->inbox_begin % INBOX_MAX];

	(void) async;
	*buffer = NULL;
	if (session->inbox_begin == session->inbox_end)
		return session->lost ? -2 : 0;
	session->inbox_begin++;
	session->busy = session->busy && message->count > 0;
	if (message->count == 0)
		return -1;
	*buffer = message->bytes;
	return message->count;
}

void
PQfreemem(void *memory)
{
	free(memory);
}

int
PQputCopyData(PGconn *session, const char *bytes, int count)
{
	thread_yield();
	if (session->lost)
		return -1;
	server_copy_data(session, bytes, count);
	return 1;
}

int
PQputCopyEnd(PGconn *session, const char *message)
{
	(void) message;
	if (session->lost)
		return -1;
	server_copy_end(session);
	return 1;
}
