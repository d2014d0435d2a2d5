/*
 * event_row.h
 *		An event as one line of COPY transaction_events FROM STDIN in text format. Pure.
 */
#pragma once

#include <stdbool.h>

#include "buffer.h"
#include "event_reader.h"

/* The columns in the line's order, for the COPY command. */
#define EVENT_ROW_COLUMNS \
	"id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version"

/*
 * Appends the line, line end included. Decimals and the JSON go over as the text that was received:
 * no digit passes through a binary number (INV-10). False when out of memory: nothing is appended.
 */
bool event_row_append(Buffer *rows, const Event *event);
