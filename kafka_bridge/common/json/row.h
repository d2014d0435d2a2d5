/*
 * row.h
 *		Pieces of SQL that write rows as the JSON of the HTTP endpoints: amounts as strings, times
 *		as RFC 3339 in UTC with microseconds.
 */
#pragma once

/* The session's time zone is UTC (postgres/pool.h). */
#define SQL_TIME(column)   "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS " column
#define SQL_AMOUNT(column) column "::text AS " column

/* The columns of wallet_history() and wallet_activity(). */
#define SQL_EVENT_COLUMNS                                                                      \
	"id, wallet_id, user_id, " SQL_AMOUNT("amount") ", event_type, transaction_id, " SQL_TIME( \
		"created_at") ", version, event_data"
