/*
 * rebuild_tables.h
 *		Tables of the session that a rebuild fills, and their way into the history.
 *
 * The content is exchanged, not the tables: those belong to the extension, with their rights and
 * their place in dumps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "history_session.h"
#include "position_store.h"

/* For ApplierOptions.redirect. */
Status rebuild_tables_create(HistorySession *session, const Wait *wait, const char **schema);

typedef struct RebuildChange
{
	int64_t removed; /* rows of transaction_events */
	int64_t added;
	int64_t gaps; /* recorded now */
	int64_t conflicts;
} RebuildChange;

/*
 * In one transaction: takes the partitions over, makes transaction_events, gaps and conflicts equal
 * to the session's tables, sets the positions. Rows that are equal already are left alone. Without
 * accept_loss FATAL, with nothing changed, where the history would lose something by it.
 */
Status rebuild_tables_swap(const HistorySession *session, const char *schema, bool accept_loss,
						   RebuildChange *change);
