/*
 * standby_wait.c
 *		Holds a transaction back until the synchronous standby has it.
 *
 * A commit is decoded as soon as the primary has flushed it, while its session still waits for the
 * standby and has told nobody. Were its events published then, a failover could leave events in
 * Kafka of what the new primary never had (INV-7). So the stream waits for what the session waits
 * for; mostly that is there already.
 *
 * Where synchronous_standby_names names the stream's own reader too, as '*' does, commits may wait
 * for that one: then it must not wait for them.
 *
 * From 17 on synchronized_standby_slots does the same for the standbys that it names.
 */
#include "postgres.h"

#include "access/xact.h"
#include "compat.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "standby_wait.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "utils/wait_event.h"

#define LOOK_MS			  1
#define LOOK_LONG_MS	  10
#define LOOKS_UNTIL_LONG  100
#define LOOKS_PER_MESSAGE 10 /* a client that is gone, replies, keepalives: now and then */

bool
standby_is_behind(XLogRecPtr end_lsn)
{
	if (!am_walsender || !SyncRepRequested() || MyWalSnd->sync_standby_priority > 0)
		return false;
	LWLockAcquire(SyncRepLock, LW_SHARED);

	bool is_behind = SYNCHRONOUS_STANDBYS_DEFINED && WalSndCtl->lsn[SYNC_REP_WAIT_FLUSH] < end_lsn;

	LWLockRelease(SyncRepLock);
	return is_behind;
}

void
standby_wait(LogicalDecodingContext *context, XLogRecPtr end_lsn)
{
	for (int looks = 0; standby_is_behind(end_lsn); looks++)
	{
		long look_ms = looks < LOOKS_UNTIL_LONG ? LOOK_MS : LOOK_LONG_MS;

		CHECK_FOR_INTERRUPTS();
		if (looks % LOOKS_PER_MESSAGE == LOOKS_PER_MESSAGE - 1)
		{
			/* A server that shuts down waits for us, and the bridge then hangs up. */
			if (!pq_check_connection())
				ereport(FATAL,
						(errcode(ERRCODE_CONNECTION_FAILURE), errmsg("connection to client lost")));
			OutputPluginUpdateProgress(context, false);
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, look_ms,
						 WAIT_EVENT_SYNC_REP);
		ResetLatch(MyLatch);
	}
}
