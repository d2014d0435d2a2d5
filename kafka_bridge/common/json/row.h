/*
 * row.h
 *		A piece of SQL that writes events as the JSON of the HTTP endpoints: amounts as strings,
 *		times as RFC 3339 in UTC, which is the time zone of the pool's sessions (postgres/pool.h).
 */
#pragma once

/* The columns of wallet_history() and wallet_activity(). */
#define SQL_EVENT_COLUMNS                                                          \
	"id, wallet_id, user_id, amount::text AS amount, event_type, transaction_id, " \
	"to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS created_at, version, event_data"
