/*
 * query.h
 *		Queries on a connection of client.h, waited for with a deadline and a stop fd.
 *
 * After a RETRY, or a wait that stopped or timed out, the state of the connection is unknown: close
 * it. After any other error it can be used on (in a failed transaction: after ROLLBACK).
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/wait.h"

/*
 * Takes the rows of a query in a pipeline one by one, so that they need not be in memory together.
 * begin comes before the first row, again when the query is run again. take gets a result of one
 * row, for the time of the call; false: the rest is read and thrown away.
 */
typedef struct PgRowSink
{
	void (*begin)(void *context);
	bool (*take)(void *context, const PGresult *row);
	void *context;
} PgRowSink;

/* A query: sql, or the name of a prepared statement. Zeroed fields mean "none". */
typedef struct PgQuery
{
	const char *sql;	   /* without parameters sent as a simple query */
	const char *prepared;  /* instead of sql */
	bool prepare;		   /* in a pipeline: sql is prepared under the name first */
	const PgRowSink *rows; /* in a pipeline: takes the rows, the result has none */
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

/* COPY FROM STDIN in three steps. Every piece is sent at once: give large ones (64 kB). rows may be
 * NULL. */
Status pg_copy_begin(PGconn *connection, const Wait *wait, const char *sql);
Status pg_copy_put(PGconn *connection, const Wait *wait, const char *data, size_t bytes);
Status pg_copy_end(PGconn *connection, const Wait *wait, int64_t *rows);
