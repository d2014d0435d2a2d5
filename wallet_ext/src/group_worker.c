/*
 * group_worker.c
 *		The background worker that makes the grouped transfers of one database.
 *
 * It takes all that waits, makes it one transaction, answers each, and looks again: it never waits
 * for company, and never commits less than what was there. The first caller that finds none starts
 * it. It goes when nothing has come for a while, so that a database can be dropped, renamed or
 * copied: those wait for 5 s for others to go.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "group_run.h"
#include "group_worker.h"

#define LIBRARY "wallet"
#define IDLE_MS 2000

PGDLLEXPORT void group_worker_main(Datum argument);

bool
group_worker_start(void)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_library_name = LIBRARY,
		.bgw_function_name = "group_worker_main",
		.bgw_type = "wallet group worker",
		.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId),
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "wallet group worker for database %u", MyDatabaseId);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

static void
item_read(GroupItem *item, int index)
{
	GroupRequest request = group_queue_request(index);

	*item = (GroupItem){
		.message = group_message_read(request.message),
		.index = index,
		.rounds = request.rounds,
	};
}

static void
worker_check_end(void)
{
	if (ProcDiePending)
		proc_exit(0);
}

static void
worker_count(const GroupItem *items, int count, GroupCounts *counts)
{
	counts->groups = 1;
	counts->largest = count;
	for (int i = 0; i < count; i++)
	{
		counts->transfers += items[i].kind == GROUP_DONE;
		counts->failed += items[i].kind == GROUP_FAILED;
		counts->held_up += items[i].kind == GROUP_HELD_UP;
	}
}

/* First all that wait for nobody, then each that may wait by itself. */
static void
worker_run(int count)
{
	GroupItem *items = palloc_extended(sizeof(GroupItem) * count, MCXT_ALLOC_HUGE);
	GroupItem **together = palloc(sizeof(GroupItem *) * count);
	GroupCounts counts = {0};
	int together_count = 0;

	for (int i = 0; i < count; i++)
	{
		item_read(&items[i], i);
		if (!group_item_is_patient(&items[i]))
			together[together_count++] = &items[i];
	}
	if (together_count > 0)
		group_run_together(together, together_count, &counts);
	for (int i = 0; i < count; i++)
		if (group_item_is_patient(&items[i]))
			group_run_alone(&items[i]);
	group_queue_end_group();
	worker_count(items, count, &counts);
	group_queue_count(&counts);
}

/* Until there is something to do; false where nothing has come for a while. */
static bool
worker_wait(void)
{
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_MS,
						   PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	worker_check_end();
	/* Nothing is being done that could be cancelled. */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return (events & WL_TIMEOUT) == 0 || !group_queue_detach();
}

static void
worker_loop(void)
{
	MemoryContext context =
		AllocSetContextCreate(TopMemoryContext, "wallet group", ALLOCSET_DEFAULT_SIZES);
	bool goes_on = true;

	while (goes_on)
	{
		int count = 0;

		MemoryContextSwitchTo(context);
		while ((count = group_queue_take()) > 0)
		{
			pgstat_report_activity(STATE_RUNNING, "wallet_transfer_grouped");
			worker_run(count);
			MemoryContextReset(context);
			worker_check_end();
		}
		pgstat_report_stat(false);
		pgstat_report_activity(STATE_IDLE, NULL);
		goes_on = worker_wait();
	}
}

void
group_worker_main(Datum argument)
{
	char timeout[16];

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), InvalidOid, 0);
	snprintf(timeout, sizeof(timeout), "%dms", GROUP_LOCK_TIMEOUT);
	SetConfigOption("lock_timeout", timeout, PGC_SUSET, PGC_S_SESSION);
	compat_lift_transaction_timeout();
	if (group_queue_is_there() && group_queue_attach())
		worker_loop();
	proc_exit(0);
}
