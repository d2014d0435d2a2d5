/*
 * count_store.h
 *		What is looked at every few seconds: recorded irregularities, and how late the history is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history_session.h"

typedef struct HistoryCounts
{
	int64_t gaps;
	int64_t conflicts;
	int64_t foreign_records; /* of the dead letters: of another source */
	int64_t dead_letters;
	int64_t server_us; /* the server's clock */
	bool lag_is_known;
	int64_t lag_us;	 /* that the oldest entry without its event has waited, of all partitions */
	bool is_partial; /* more can be looked at, at once */
} HistoryCounts;

/* Moves the mark up to which the history is complete, and counts. */
Status count_store_read(const HistorySession *session, const Wait *wait, HistoryCounts *counts);
