/*
 * rebuild_ledger.h
 *		What the ledger has before a rebuild reads the topic: the rebuilt history must have it too.
 */
#pragma once

#include "history_session.h"

/*
 * Notes the newest version of each wallet in the session's table rebuild_ledger, which stays empty
 * where the ledger is elsewhere or may not be read.
 */
Status rebuild_ledger_note(const HistorySession *session, const Wait *wait);

/* Until a bridge that streams has published what is committed now, or for a minute. */
Status rebuild_ledger_await_bridge(const HistorySession *session);
