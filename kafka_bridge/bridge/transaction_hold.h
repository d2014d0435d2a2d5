/*
 * transaction_hold.h
 *		Holds the events of a transaction back until its commit says how many there are, so that
 *		each can tell its reader when all have come (ce_txcount).
 *
 * They follow each other within microseconds. Only a transaction that is larger than what is held
 * is handed on as it comes: its events don't tell.
 */
#pragma once

#include "frame_reader.h"
#include "outbox.h"

typedef struct TransactionHold TransactionHold;

/* Belongs to one stream; NULL when memory is short. */
TransactionHold *transaction_hold_new(void);
void transaction_hold_free(TransactionHold *hold);

/* As outbox_take, which it calls. */
OutboxResult transaction_hold_take(TransactionHold *hold, Outbox *outbox, FrameKind kind,
								   const Frame *frame);
