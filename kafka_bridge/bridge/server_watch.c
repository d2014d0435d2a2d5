/*
 * server_watch.c
 *		A second connection beside the stream: notices at once that the server shuts down, and
 *		measures how far the slot is behind.
 */
#include "server_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "lsn.h"

struct ServerWatch
{
	PGconn *connection;
	bool asked;
	char sql[256];
};

Status
server_watch_open(const PgOptions *options, const char *slot, const Wait *wait, ServerWatch **watch)
{
	ServerWatch *opened = calloc(1, sizeof(*opened));

	*watch = NULL;
	if (opened == NULL)
		return status_bug("out of memory");
	snprintf(opened->sql, sizeof(opened->sql),
			 "SELECT pg_catalog.pg_current_wal_flush_lsn(), s.safe_wal_size "
			 "FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = '%s'",
			 slot);

	Status status = pg_connection_open(options, PG_MODE_REPLICATION, "wallet_bridge watch", wait,
									   &opened->connection);

	if (!status_is_ok(&status))
		server_watch_close(&opened);
	*watch = opened;
	return status;
}

void
server_watch_close(ServerWatch **watch)
{
	ServerWatch *closed = *watch;

	*watch = NULL;
	if (closed == NULL)
		return;
	pg_connection_close(&closed->connection);
	free(closed);
}

PGconn *
server_watch_get_connection(const ServerWatch *watch)
{
	return watch->connection;
}

int
server_watch_get_socket(const ServerWatch *watch)
{
	return PQsocket(watch->connection);
}

void
server_watch_ask(ServerWatch *watch)
{
	if (watch->asked)
		return;
	/* A query that cannot be sent leaves a broken socket behind: the next read notices. */
	watch->asked = PQsendQuery(watch->connection, watch->sql) == 1;
	(void) PQflush(watch->connection);
}

static bool
report_fill(const PGresult *result, ServerReport *report)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1 ||
		!lsn_read(PQgetvalue(result, 0, 0), &report->wal_end))
		return false;
	report->safe_wal_bytes = PQgetisnull(result, 0, 1) ? -1 : atoll(PQgetvalue(result, 0, 1));
	return true;
}

ServerWatchResult
server_watch_read(ServerWatch *watch, ServerReport *report)
{
	ServerWatchResult read = SERVER_WATCH_NOTHING;

	if (PQconsumeInput(watch->connection) == 0)
		return SERVER_WATCH_LOST;
	while (PQisBusy(watch->connection) == 0)
	{
		PGresult *result = PQgetResult(watch->connection);

		if (result == NULL)
		{
			watch->asked = false;
			break;
		}
		if (report_fill(result, report))
			read = SERVER_WATCH_REPORT;
		PQclear(result);
	}
	return PQstatus(watch->connection) == CONNECTION_OK ? read : SERVER_WATCH_LOST;
}
