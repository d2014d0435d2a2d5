/*
 * count_store.c
 *		Two statements, so that a role that may not run the second still counts.
 */
#include "count_store.h"

#include <stdlib.h>

#include "observe/log.h"
#include "wallet_event.h"

#define STATEMENT_BYTES 512

static const char count_sql[] = "SELECT (SELECT count(*) FROM %1$s.wallet_history_gaps), "
								"(SELECT count(*) FROM %1$s.wallet_history_conflicts), "
								"(SELECT count(*) FROM %1$s.wallet_history_dead_letters), "
								"(SELECT count(*) FROM %1$s.wallet_history_dead_letters "
								"WHERE reason = 'foreign_source'), "
								"(extract(epoch FROM clock_timestamp()) * 1000000)::int8";

static const char advance_sql[] =
	"SELECT (lag_seconds * 1000000)::int8, has_more::int4 FROM %1$s.wallet_history_advance()";

static Status
row_read(const HistorySession *session, const Wait *wait, const char *text, int column_count,
		 PGresult **result)
{
	char sql[STATEMENT_BYTES];
	Status status = history_statement_print(sql, sizeof(sql), text, session->schema);

	if (!status_is_ok(&status))
		return status;
	return pg_query_run(session->connection, wait,
						&(const PgQuery){.sql = sql, .column_count = column_count, .one_row = true},
						result);
}

static int64_t
number_read(const PGresult *result, int column)
{
	return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

/* A role of an earlier version may lack the right: events are applied all the same. */
static Status
lag_read(const HistorySession *session, const Wait *wait, HistoryCounts *counts)
{
	static bool refusal_logged = false;
	PGresult *result = NULL;
	Status status = row_read(session, wait, advance_sql, 2, &result);

	if (pg_status_is(&status, PG_INSUFFICIENT_PRIVILEGE))
	{
		if (!refusal_logged)
			log_status(LOG_LEVEL_WARNING, "the lag is not known: grant EXECUTE", &status);
		refusal_logged = true;
		return status_ok();
	}
	if (status_is_ok(&status))
	{
		counts->lag_is_known = PQgetisnull(result, 0, 0) == 0;
		counts->lag_us = number_read(result, 0);
		counts->is_partial = number_read(result, 1) != 0;
	}
	PQclear(result);
	return status;
}

Status
count_store_read(const HistorySession *session, const Wait *wait, HistoryCounts *counts)
{
	PGresult *result = NULL;
	Status status = row_read(session, wait, count_sql, 5, &result);

	*counts = (HistoryCounts){.lag_is_known = false};
	if (!status_is_ok(&status))
		return status;
	counts->gaps = number_read(result, 0);
	counts->conflicts = number_read(result, 1);
	counts->dead_letters = number_read(result, 2);
	counts->foreign_records = number_read(result, 3);
	counts->server_us = number_read(result, 4);
	PQclear(result);
	return lag_read(session, wait, counts);
}
