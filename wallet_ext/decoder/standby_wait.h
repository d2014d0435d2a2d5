/*
 * standby_wait.h
 *		Holds a transaction back until the synchronous standby has it.
 */
#pragma once

#include "postgres.h"

#include "access/xlogdefs.h"
#include "replication/logical.h"

/*
 * Whether the WAL up to end_lsn is not yet flushed on as many synchronous standbys as a commit
 * waits for. False where none is configured, where the reader is one of them, and outside of a
 * walsender.
 */
extern bool standby_is_behind(XLogRecPtr end_lsn);

/* Returns when it is no longer. Ends the walsender where its client is gone meanwhile. */
extern void standby_wait(LogicalDecodingContext *context, XLogRecPtr end_lsn);
