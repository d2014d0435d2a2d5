/*
 * event_store.h
 *		The rows of transaction_events and wallet_history_conflicts.
 *
 * All run inside the caller's transaction. Indexes are those of records in the batch.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "apply_plan.h"
#include "batch.h"
#include "history_session.h"

typedef enum EventComparison
{
	EVENT_ABSENT, /* nothing is stored under this wallet and version */
	EVENT_SAME,	  /* equal in the fields that both copies have */
	EVENT_DIFFERENT
} EventComparison;

/* Some of the records of a batch. */
typedef struct EventSelection
{
	const Batch *batch;
	const uint32_t *indexes;
	size_t count;
} EventSelection;

Status event_store_prepare(const HistorySession *session, const Wait *wait);

/* Asks for the newest version of the wallets that the plan does not know. */
Status event_store_newest(const HistorySession *session, const Wait *wait, ApplyPlan *plan);

/*
 * Stores events that are known to be absent. 23505: that knowledge was stale. before and after are
 * statements, with their semicolon to the COPY, that go over with it: by themselves the three are
 * one transaction.
 */
Status event_store_copy(const HistorySession *session, const Wait *wait, EventSelection events,
						const char *before, const char *after);

/* Compares events with what is stored; one comparison per event. */
Status event_store_compare(const HistorySession *session, const Wait *wait, EventSelection events,
						   EventComparison *comparisons);

/* Records events as contradicting what is stored. */
Status event_store_conflict(const HistorySession *session, const Wait *wait, const char *topic,
							EventSelection events);

/* Stores events where their place is free, to see whether PostgreSQL takes them at all. */
Status event_store_try(const HistorySession *session, const Wait *wait, EventSelection events);
