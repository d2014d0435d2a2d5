/*
 * pg_client.h
 *		Connections to PostgreSQL that can't hang a process: connecting and waiting for results
 *		poll with a deadline and a stop fd; keepalives find a peer that vanished.
 *
 * A connection belongs to one thread at a time and is in non-blocking mode. After a RETRY, or a
 * wait that stopped or timed out, its state is unknown: close it.
 *
 * SQLSTATE to class: 08, 40, 53, 57, 58, 55P03, 55006 (slot in use), 25006 (server became a
 * standby) and a broken connection are RETRY; 28, 3D, 42, 55, 53400 (all slots taken), WL and a
 * missing password are FATAL with EXIT_CODE_CONFIGURATION; 22 and 23 (the data) and everything
 * else are FATAL with EXIT_CODE_BUG.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "status.h"
#include "wait.h"

typedef struct PgOptions
{
	char *url;					 /* URI or key=value */
	int64_t connect_timeout_ms;	 /* one attempt, all addresses together */
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
 * name can't be interrupted. On OK *connection is the caller's, for pg_connection_close().
 */
Status pg_connection_open(const PgOptions *options, PgMode mode, const char *application_name,
						  const Wait *wait, PGconn **connection);

/* Closes and sets to NULL; NULL is fine. Never blocks. */
void pg_connection_close(PGconn **connection);

/* A query: sql, or the name of a prepared statement. Zeroed fields mean "none". */
typedef struct PgQuery
{
	const char *sql;	  /* without parameters sent as a simple query */
	const char *prepared; /* instead of sql */
	int parameter_count;
	const Oid *types;		   /* NULL: the server infers */
	const char *const *values; /* NULL value: SQL NULL */
	const int *lengths;		   /* only for binary values */
	const int *formats;		   /* NULL: all text */
	bool binary_result;
	int column_count; /* 0: a command; n: rows of exactly n columns */
	bool one_row;	  /* any other number of rows is FATAL */
} PgQuery;

/*
 * Runs a query and waits for all of it. On OK *result is the caller's, for PQclear(); result may
 * be NULL if nobody wants it. Any error leaves *result NULL; its text names the server's message.
 */
Status pg_query_run(PGconn *connection, const Wait *wait, const PgQuery *query, PGresult **result);

/* A command without parameters and rows (BEGIN, COMMIT, SET ...). */
Status pg_command_run(PGconn *connection, const Wait *wait, const char *sql);

/* Prepares a statement; types as in PgQuery. */
Status pg_statement_prepare(PGconn *connection, const Wait *wait, const char *name, const char *sql,
							int parameter_count, const Oid *types);

/* Sends what libpq has buffered. For callers that use PQsend... or PQputCopyData themselves. */
Status pg_output_flush(PGconn *connection, const Wait *wait);

/* The next result of a query sent by PQsend...; *result is NULL after the last one. */
Status pg_result_wait(PGconn *connection, const Wait *wait, PGresult **result);

/* COPY FROM STDIN after a query that answered PGRES_COPY_IN: data in any pieces, then the end. */
Status pg_copy_begin(PGconn *connection, const Wait *wait, const char *sql);
Status pg_copy_put(PGconn *connection, const Wait *wait, const char *data, size_t bytes);
Status pg_copy_end(PGconn *connection, const Wait *wait, int64_t *rows);

/* OK for a result that is not an error; else its class by SQLSTATE. what names the deed. */
Status pg_result_check(const PGconn *connection, const PGresult *result, const char *what);

/* The Status of a libpq call that failed without a result: RETRY with the connection's message. */
Status pg_connection_error(const PGconn *connection, const char *what);

/* Class and exit code by SQLSTATE ("" or NULL: the connection broke). */
Status pg_sqlstate_classify(const char *sqlstate, const char *text);

/* Class 22 or 23: this row is at fault, not the server. */
bool pg_status_is_data_error(const Status *status);
