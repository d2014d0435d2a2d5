/*
 * late_events.h
 *		Events at or below their wallet's newest version: copies, contradictions, and versions that
 *		come late and fill a gap.
 *
 * Runs inside the caller's transaction.
 */
#pragma once

#include <stddef.h>

#include "apply_plan.h"
#include "batch.h"
#include "gap.h"
#include "history_session.h"

/* Zero-initialise before, late_events_free() after. */
typedef struct LateEvents
{
	size_t duplicates;
	IndexList conflicts;   /* records that contradict what is stored */
	WalletVersion *filled; /* what was stored after all */
	size_t filled_count;
} LateEvents;

/* Compares the records of `known` with what is stored, and stores those that are absent. */
Status late_events_settle(LateEvents *late, const HistorySession *session, const Wait *wait,
						  const Batch *batch, const IndexList *known);

void late_events_free(LateEvents *late);
