/*
 * dead_letter_store.h
 *		The rows of wallet_history_dead_letters: a restart must not forget what was left out.
 */
#pragma once

#include "batch.h"
#include "history_session.h"

Status dead_letter_store_prepare(const HistorySession *session, const Wait *wait);

/* Records the poison of the batch, inside the caller's transaction. */
Status dead_letter_store_put(const HistorySession *session, const Wait *wait, const char *topic,
							 const Batch *batch);
