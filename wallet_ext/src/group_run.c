/*
 * group_run.c
 *		Makes the transfers of a group.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "group_run.h"
#include "guc.h"
#include "transfer_many.h"

/* An error that another try may not meet is tried again so often. */
#define TRIES_MAX 3

/* Each such round of one that is held up again and again it is waited for, in line. */
#define PATIENT_ROUND 4

typedef struct Run
{
	GroupItem **items; /* those of the transaction */
	int count;
	bool is_patient; /* waits for wallets and keys */
	TransferMany many;
	MemoryContext context; /* of the results */
} Run;

bool
group_item_is_patient(const GroupItem *item)
{
	return item->rounds > 0 && item->rounds % PATIENT_ROUND == 0;
}

/* The item's turn: what is written for it is recorded as its caller's. */
static Request
run_read(TransferMany *many, int index)
{
	const Run *run = many->owner;
	const GroupMessage *message = &run->items[index]->message;

	many->call.journal.caller = message->caller;
	many->call.journal.seals = message->seals;
	many->call.expiries = 0;
	return message->request;
}

/* The strongest of what the callers ask for, so that none is told of less than it asked for. */
static void
run_set_durability(const Run *run)
{
	static const char *const names[] = {
		[SYNCHRONOUS_COMMIT_OFF] = "off",
		[SYNCHRONOUS_COMMIT_LOCAL_FLUSH] = "local",
		[SYNCHRONOUS_COMMIT_REMOTE_WRITE] = "remote_write",
		[SYNCHRONOUS_COMMIT_REMOTE_FLUSH] = "on",
		[SYNCHRONOUS_COMMIT_REMOTE_APPLY] = "remote_apply",
	};
	int strongest = SYNCHRONOUS_COMMIT_OFF;

	for (int i = 0; i < run->count; i++)
		strongest = Max(strongest, run->items[i]->message.durability);
	if (strongest != synchronous_commit)
		SetConfigOption("synchronous_commit", names[strongest], PGC_USERSET, PGC_S_SESSION);
}

static void
run_begin(Run *run)
{
	run_set_durability(run);
#ifdef WALLET_TESTING
	guc_test_clock_offset = run->items[0]->message.clock_offset;
#endif
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* Whatever the database's settings say: the callers were asked. */
	XactReadOnly = false;
	XactIsoLevel = XACT_READ_COMMITTED;
	XactDeferrable = false;
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(run->context);
}

static void
run_open(Run *run)
{
	TransferMany *many = &run->many;

	*many = (TransferMany){
		.owner = run,
		.count = run->count,
		.ids = palloc(sizeof(pg_uuid_t *) * 2 * run->count),
		.keys = palloc(sizeof(text *) * run->count),
		.never_waits = !run->is_patient,
		.read = run_read,
	};
	for (int i = 0; i < run->count; i++)
	{
		const Request *request = &run->items[i]->message.request;

		many->ids[2 * i] = request->from_wallet_id;
		many->ids[2 * i + 1] = request->to_wallet_id;
		many->keys[i] = request->idempotency_key;
	}
	transfer_many_open(many);
}

/* Leaves out those that somebody is in the way of; whether there were any. */
static bool
run_leave_out(Run *run)
{
	TransactionId *holders = palloc(sizeof(TransactionId) * run->count);
	int rest = 0;
	bool found = transfer_many_find_holders(&run->many, holders);

	for (int i = 0; i < run->count; i++)
	{
		GroupItem *item = run->items[i];

		if (!TransactionIdIsValid(holders[i]))
			run->items[rest++] = item;
		else
		{
			item->kind = GROUP_HELD_UP;
			item->holder = holders[i];
		}
	}
	run->count = rest;
	pfree(holders);
	return found;
}

/* What somebody has put on the tables would see the worker where it expects the caller. */
static void
run_check_table(const TableDescription *description)
{
	if (!description->is_direct)
		error_raise_group_additions(get_rel_name(description->oid));
}

static void
run_check_tables(Run *run)
{
	Call *call = &run->many.call;
	const WalletSet *set = &call->wallets;

	run_check_table(set->scan.description);
	run_check_table(call->ledger.description);
	for (int i = 0; i < set->count; i++)
		if (set->wallets[i].found && set->wallets[i].state.held != 0)
		{
			run_check_table(call_holds(call)->description);
			return;
		}
}

static void
run_write(Run *run)
{
	Oid user = InvalidOid;
	int context = 0;

	run_check_tables(run);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(run->many.call.ledger.table->rd_rel->relowner,
						   SECURITY_RESTRICTED_OPERATION | SECURITY_LOCAL_USERID_CHANGE);
	transfer_many_write(&run->many);
	SetUserIdAndSecContext(user, context);
	transfer_many_close(&run->many);
}

static void
run_keep_results(const Run *run)
{
	for (int i = 0; i < run->count; i++)
	{
		const TransferResult *result = &run->many.results[i];
		GroupItem *item = run->items[i];

		item->kind = result->message == NULL ? GROUP_DONE : GROUP_FAILED;
		item->transaction_id = result->transaction_id;
		item->replayed = result->replayed;
		item->sqlstate = result->sqlstate;
		item->text = (GroupText){result->message, result->detail, result->hint};
	}
}

static void
run_together(Run *run)
{
	run_begin(run);
	for (;;)
	{
		run_open(run);
		if (run->is_patient || !run_leave_out(run))
			break;
		transfer_many_close(&run->many);
		if (run->count == 0)
			break;
	}
	if (run->count > 0)
		run_write(run);
	PopActiveSnapshot();
	run_keep_results(run);
	group_queue_commit(true);
	CommitTransactionCommand();
}

static void
item_reply(GroupItem *item)
{
	GroupAnswer answer = {
		.kind = item->kind,
		.transaction_id = item->transaction_id,
		.replayed = item->replayed,
		.sqlstate = item->sqlstate,
		.holder = item->holder,
	};

	if (item->kind == GROUP_FAILED)
		answer.text = group_text_store(&item->text);
	group_queue_reply(item->index, &answer);
	item->is_answered = true;
}

/* Whatever happens between the commit and the last answer, nothing goes back into the queue: what
 * is done must not be done again. */
static void
run_reply(const Run *run)
{
	/* Who is told to end while it waits for a standby doesn't know whether that has it. */
	if (ProcDiePending)
		proc_exit(0);
	for (int i = 0; i < run->count; i++)
		item_reply(run->items[i]);
	group_queue_commit(false);
}

/* Ends the transaction that has failed. */
static ErrorData *
run_abort(const Run *run)
{
	HOLD_INTERRUPTS();
	MemoryContextSwitchTo(run->context);

	ErrorData *error = CopyErrorData();

	FlushErrorState();
	AbortCurrentTransaction();
	group_queue_commit(false);
	MemoryContextSwitchTo(run->context);
	RESUME_INTERRUPTS();
	return error;
}

/* NULL: it is done, or each item's error is its own. */
static ErrorData *
run_try(Run *run)
{
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		run_together(run);
	}
	PG_CATCH();
	{
		error = run_abort(run);
	}
	PG_END_TRY();
	if (error == NULL)
		run_reply(run);
	return error;
}

static void
item_fail(GroupItem *item, const ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		item->kind = GROUP_HELD_UP;
		item->holder = InvalidTransactionId;
		return;
	}
	item->kind = GROUP_FAILED;
	item->sqlstate = error->sqlerrcode;
	item->text = (GroupText){error->message, error->detail, error->hint};
}

static bool
is_worth_another_try(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

void
group_run_alone(GroupItem *item)
{
	ErrorData *error = NULL;

	for (int i = 0; i < TRIES_MAX; i++)
	{
		Run run = {
			.items = &item,
			.count = 1,
			.is_patient = group_item_is_patient(item),
			.context = CurrentMemoryContext,
		};

		error = run_try(&run);
		if (error == NULL || !is_worth_another_try(error))
			break;
	}
	if (error != NULL)
		item_fail(item, error);
	if (!item->is_answered)
		item_reply(item);
}

void
group_run_together(GroupItem **items, int count, GroupCounts *counts)
{
	Run run = {
		.items = memcpy(palloc(sizeof(GroupItem *) * count), items, sizeof(GroupItem *) * count),
		.count = count,
		.context = CurrentMemoryContext,
	};
	ErrorData *error = run_try(&run);

	for (int i = 0; i < count; i++)
	{
		GroupItem *item = items[i];

		if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		{
			group_run_alone(item);
			counts->alone++;
			continue;
		}
		if (error != NULL)
			item_fail(item, error);
		if (!item->is_answered)
			item_reply(item);
	}
}
