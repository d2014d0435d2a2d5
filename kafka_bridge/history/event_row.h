/*
 * event_row.h
 *		An event as one row of COPY transaction_events FROM STDIN in binary format, which saves
 *		PostgreSQL looking for the ends of columns and reading numbers and times. Pure.
 */
#pragma once

#include <stdbool.h>

#include "buffer.h"
#include "event_reader.h"

/* The columns in the row's order, for the COPY command. */
#define EVENT_ROW_COLUMNS \
	"id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version"

/* What stands before the first row, and after the last one. */
#define EVENT_ROWS_HEAD		  "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define EVENT_ROWS_HEAD_BYTES 19
#define EVENT_ROWS_TAIL		  "\377\377"
#define EVENT_ROWS_TAIL_BYTES 2

/*
 * Appends the row. The amount's digits become PostgreSQL's own, four in one: none passes through a
 * binary fraction (INV-10). The JSON goes over as the text that was received. False when out of
 * memory: nothing is appended.
 */
bool event_row_append(Buffer *rows, const Event *event);
