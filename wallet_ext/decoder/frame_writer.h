/*
 * frame_writer.h
 *		The frames of wallet_event.h, appended to a buffer.
 *
 * Call order for a transaction: frame_begin_append, any number of events, transits and errors, then
 * frame_commit_append. An event is frame_event_open, its JSON appended by the caller, then
 * frame_event_close; a transit likewise, with frame_transit_open; where there is no JSON,
 * frame_event_drop and frame_error_append. frame_hold_append stands between two transactions.
 */
#pragma once

#include "postgres.h"

#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "event_writer.h"
#include "lib/stringinfo.h"

/* commit_lsn and end_lsn: the positions of the commit record and after it. */
extern void frame_begin_append(StringInfo out, int protocol_version, TransactionId xid,
							   XLogRecPtr commit_lsn, XLogRecPtr end_lsn, TimestampTz commit_time);

/* Each returns where the frame starts, for close or drop. */
extern int frame_event_open(StringInfo out, uint32 ordinal, const EventKey *key);
extern int frame_transit_open(StringInfo out, uint32 ordinal, const EventKey *key);
extern void frame_event_close(StringInfo out, int frame_start);
extern void frame_event_drop(StringInfo out, int frame_start);

extern void frame_error_append(StringInfo out, uint32 ordinal, const EventKey *key,
							   const EventError *error);

/* As above; event_count: the events and errors sent in between. */
extern void frame_commit_append(StringInfo out, XLogRecPtr commit_lsn, XLogRecPtr end_lsn,
								TimestampTz commit_time, uint32 event_count);

/* What ends at or before position may be sent later than a keepalive that names it. */
extern void frame_hold_append(StringInfo out, XLogRecPtr position);
