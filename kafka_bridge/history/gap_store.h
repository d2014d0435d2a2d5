/*
 * gap_store.h
 *		The rows of wallet_history_gaps. All run inside the caller's transaction.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gap.h"
#include "history_session.h"

Status gap_store_prepare(const HistorySession *session, const Wait *wait);

/* Takes the gaps that hold one of these versions out of the table and appends them to the list. */
Status gap_store_take(const HistorySession *session, const Wait *wait,
					  const WalletVersion *versions, size_t count, GapList *taken);

/* Records the gaps. */
Status gap_store_put(const HistorySession *session, const Wait *wait, const char *topic,
					 const GapList *gaps);
