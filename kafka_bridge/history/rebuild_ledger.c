/*
 * rebuild_ledger.c
 *		The wallets' row versions are enough: a wallet at version n has the entries 0 to n (INV-2).
 */
#include "rebuild_ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/signals.h"
#include "observe/log.h"
#include "wallet_event.h"

#define STATEMENT_BYTES	 512
#define CATCH_UP_MS		 60000
#define CATCH_UP_POLL_MS 200
#define LSN_BYTES		 32

#define TABLE "CREATE TEMPORARY TABLE rebuild_ledger AS SELECT id AS wallet_id, version AS newest "

static const char note_sql[] = TABLE "FROM %1$s.wallets";
static const char empty_sql[] =
	TABLE "FROM (VALUES (NULL::uuid, NULL::int8)) AS none (id, version) "
		  "LIMIT 0";

static Status
text_read(const HistorySession *session, const Wait *wait, const char *sql, char text[LSN_BYTES])
{
	PGresult *result = NULL;
	Status status =
		pg_query_run(session->connection, wait,
					 &(const PgQuery){.sql = sql, .column_count = 1, .one_row = true}, &result);

	if (status_is_ok(&status))
		snprintf(text, LSN_BYTES, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return status;
}

Status
rebuild_ledger_await_bridge(const HistorySession *session)
{
	Wait wait = wait_begin(signals_stop_fd(), CATCH_UP_MS);
	char end[LSN_BYTES];
	char behind[LSN_BYTES] = "1";
	char sql[STATEMENT_BYTES];
	Status status = text_read(session, &wait, "SELECT pg_current_wal_insert_lsn()", end);

	snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM pg_replication_slots WHERE plugin = '" WALLET_DECODER_NAME "' "
			 "AND database = current_database() AND active AND confirmed_flush_lsn < '%s'",
			 end);
	while (status_is_ok(&status))
	{
		status = text_read(session, &wait, sql, behind);
		if (!status_is_ok(&status) || atoi(behind) == 0)
			return status;
		if (wait_remaining_ms(&wait) == 0)
		{
			log_warning("the bridge is behind: what it did not publish counts as missing");
			return status;
		}
		if (!wait_pause(wait.stop_fd, CATCH_UP_POLL_MS))
			return wait_status(WAIT_STOPPED, "waiting for the bridge");
	}
	return status;
}

Status
rebuild_ledger_note(const HistorySession *session, const Wait *wait)
{
	char sql[STATEMENT_BYTES];
	Status status = history_statement_print(sql, sizeof(sql), note_sql, session->schema);

	if (status_is_ok(&status))
		status = pg_command_run(session->connection, wait, sql);
	if (pg_status_is(&status, PG_INSUFFICIENT_PRIVILEGE))
	{
		log_status(LOG_LEVEL_WARNING,
				   "not compared with the ledger: grant SELECT (id, version) ON wallets", &status);
		return pg_command_run(session->connection, wait, empty_sql);
	}
	return status;
}
