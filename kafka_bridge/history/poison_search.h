/*
 * poison_search.h
 *		Finds the events of a batch that PostgreSQL refuses for their data, by bisection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "batch.h"
#include "history_session.h"

/* Whether a statement failed for the data in it, so that a search makes sense. */
bool poison_is_cause(const Status *status);

/*
 * Marks the events at fault as poison and tells how many there were. Runs a transaction of its own
 * and rolls it back; the connection must be idle.
 */
Status poison_search(const HistorySession *session, const Wait *wait, Batch *batch, size_t *found);
