/*
 * rows.h
 *		The rows of a read, put together as JSON while they come, so that no answer takes memory
 *		that the server has not granted. Used inside common/endpoint only.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "http/server.h"
#include "postgres/pool.h"

#define ENDPOINT_CURSOR_BYTES 128

typedef struct EndpointRows
{
	HttpRequest *request; /* whose share of the memory it is */
	char *json;			  /* from malloc(): the shown rows, with commas */
	size_t bytes;
	size_t room;
	size_t granted;
	int most; /* rows that are shown */
	int shown;
	bool must_answer;
	bool has_more;
	bool is_refused;					/* there was no memory */
	bool has_cursor;					/* the last shown row has one */
	char cursor[ENDPOINT_CURSOR_BYTES]; /* or version */
} EndpointRows;

/*
 * most: rows that are shown; those behind them only tell that there are more. must_answer: of an
 * operation, which is done and must be told.
 */
void endpoint_rows_begin(EndpointRows *rows, HttpRequest *request, int most, bool must_answer);
void endpoint_rows_free(EndpointRows *rows);

/* Forgets the rows, should the read be run again. */
void endpoint_rows_restart(EndpointRows *rows);
/* Takes a row whose JSON is in the column, the version or cursor behind it; false: no more. */
bool endpoint_rows_add(EndpointRows *rows, const PGresult *row, int column);

/* Rows of two columns, the JSON and the version or cursor. rows must outlive the sink. */
PgRowSink endpoint_rows_sink(EndpointRows *rows);

/*
 * The JSON between two texts, from malloc(), for the response; NULL when out of memory. The rows
 * have none any more.
 */
char *endpoint_rows_take(EndpointRows *rows, const char *before, const char *after, size_t *bytes);
