/*
 * client.h
 *		Connections to PostgreSQL that can't hang a process: connecting and waiting for results
 *		poll with a deadline and a stop fd; keepalives find a peer that vanished. Queries: query.h,
 *		classes of errors: error.h.
 *
 * A connection belongs to one thread at a time and is in non-blocking mode. After a RETRY, or a
 * wait that stopped or timed out, its state is unknown: close it.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "postgres/error.h"
#include "postgres/query.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct PgOptions
{
	char *url;					 /* URI or key=value */
	int64_t connect_timeout_ms;	 /* one attempt, all hosts and addresses together */
	int64_t tcp_user_timeout_ms; /* sent data without an answer breaks the connection */
} PgOptions;

/* DATABASE_URL, and the timeouts. */
extern const ConfigOption pg_options[];

typedef enum PgMode
{
	PG_MODE_NORMAL,
	PG_MODE_REPLICATION, /* replication=database: simple queries and replication commands only */
} PgMode;

/* Whether the URL can be parsed; the text never quotes it. For ConfigProgram.check. */
Status pg_url_check(const char *url);

/*
 * Connects. Without a database or user in the URL (nor PGDATABASE, PGUSER, a service) wallet_db
 * and wallet_user. The wait's deadline and connect_timeout_ms both hold; only looking up a host
 * name can't be interrupted. Of several hosts one that accepts and never answers, as a frozen
 * server does, gets its share of the time, then the next one is asked. On OK *connection is the
 * caller's, for pg_connection_close().
 */
Status pg_connection_open(const PgOptions *options, PgMode mode, const char *application_name,
						  const Wait *wait, PGconn **connection);

/* How many hosts a URL that pg_url_check() took names; 1 where it names none. */
size_t pg_host_count(const char *url);

/* Connects to that one of them, whatever it is: target_session_attrs does not count. */
Status pg_connection_open_host(const PgOptions *options, size_t host, const char *application_name,
							   const Wait *wait, PGconn **connection);

/* Closes and sets to NULL; NULL is fine. Never blocks. */
void pg_connection_close(PGconn **connection);
