/*
 * standby_wait.h
 *		Holds a transaction back until the synchronous standby has it.
 */
#pragma once

#include "postgres.h"

#include "access/xlogdefs.h"
#include "replication/logical.h"

/*
 * Returns when the WAL up to end_lsn is flushed on as many synchronous standbys as a commit waits
 * for; at once where none is configured, where the reader is one of them, and outside of a
 * walsender. Ends the walsender where its
 * client is gone meanwhile.
 */
extern void standby_wait(LogicalDecodingContext *context, XLogRecPtr end_lsn);
