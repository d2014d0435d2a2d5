/*
 * group.c
 *		wallet_transfer_grouped: a transfer that is committed together with those of other sessions.
 *
 * The caller checks what needs no table and asks; the worker (group_worker.h) judges, writes and
 * commits; the caller raises or returns what it is told. So the transfer is committed when the call
 * returns, outside of the caller's transaction. Where somebody is in the way, it is the caller who
 * waits, by lock_timeout and seen by the deadlock detector, and nobody else with it. Then it asks
 * again.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "call.h"
#include "errors.h"
#include "group_message.h"
#include "group_worker.h"
#include "stat.h"
#include "transfer.h"

PG_FUNCTION_INFO_V1(wallet_transfer_grouped);

/* Between looks at whether a worker is still there. */
#define LOOK_MS 1000
/* Between looks for room, or for a place that an earlier call has left. */
#define ROOM_MS 1
/* How long there may be no room, or no worker. */
#define PATIENCE_MS 10000
/* How often a lock that isn't a row's may hold the group up, although the caller can have it. */
#define TABLE_ROUNDS_MAX 5

/* The transaction holds a lock that the worker would wait for, and so for its own end. */
static bool
holds_table(Oid table)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, table);
	for (LOCKMODE mode = RowExclusiveLock + 1; mode <= MaxLockMode; mode++)
		if (compat_lock_held_by_me(&tag, mode))
			return true;
	return false;
}

static void
group_check_transaction(Oid schema)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		error_raise_group_transaction("has written something already");
	if (IsolationUsesXactSnapshot())
		error_raise_group_transaction("is not READ COMMITTED");
	for (int i = 0; i < WALLET_TABLES; i++)
	{
		Oid table = get_relname_relid(table_name((WalletTable) i), schema);

		if (OidIsValid(table) && holds_table(table))
			error_raise_group_transaction("holds a lock on a table of wallets");
	}
}

/* Waits for the latch; raises what is asked of this process meanwhile. */
static void
group_sleep(long timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static bool
is_past(TimestampTz since)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), PATIENCE_MS);
}

static dsa_pointer
group_store(const GroupMessage *message)
{
	TimestampTz since = GetCurrentTimestamp();
	Size bytes = 0;
	dsa_pointer stored = group_message_store(message, &bytes);

	if (!DsaPointerIsValid(stored))
		group_queue_count_full();
	while (!DsaPointerIsValid(stored))
	{
		if (is_past(since))
			error_raise_group_full(bytes);
		group_sleep(ROOM_MS);
		stored = group_message_store(message, &bytes);
	}
	return stored;
}

/* Puts the request into the queue, as soon as what an earlier call has left is done. */
static void
group_enter(const GroupMessage *message, int rounds)
{
	GroupRequest request = {.rounds = rounds, .asked_at = GetCurrentTimestamp()};

	while (!group_queue_is_free())
		group_sleep(ROOM_MS);
	request.message = group_store(message);
	if (!group_queue_enter(&request))
		error_raise_group_databases(GROUP_QUEUES);
}

/* Sees to it that somebody works; *since: when none was seen. */
static void
group_look_for_worker(TimestampTz *since)
{
	bool ask = false;

	if (group_queue_has_worker(&ask))
	{
		*since = 0;
		return;
	}
	if (*since == 0)
		*since = GetCurrentTimestamp();
	else if (is_past(*since))
		error_raise_group_worker();
	if (ask)
		(void) group_worker_start();
}

static GroupAnswer
group_wait(void)
{
	TimestampTz since = 0;
	GroupAnswer answer;

	while (!group_queue_answer(&answer))
	{
		group_look_for_worker(&since);
		group_sleep(since == 0 ? LOOK_MS : ROOM_MS);
	}
	return answer;
}

/* The wait was ended by an error. What was not begun is taken back, so that the error stands; an
 * answer that has come meanwhile counts; what has been begun is left, and nobody can tell. */
static GroupAnswer
group_leave(const Request *request)
{
	GroupAnswer answer;

	switch (group_queue_leave(&answer))
	{
		case GROUP_TAKEN_BACK:
			PG_RE_THROW();
		case GROUP_LEFT:
			FlushErrorState();
			error_raise_group_unknown(request->idempotency_key);
		case GROUP_TOO_LATE:
			FlushErrorState();
			break;
	}
	return answer;
}

static GroupAnswer
group_ask(const GroupMessage *message, int rounds)
{
	MemoryContext caller = CurrentMemoryContext;
	GroupAnswer answer;

	group_enter(message, rounds);
	PG_TRY();
	{
		answer = group_wait();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		answer = group_leave(&message->request);
	}
	PG_END_TRY();
	return answer;
}

/* Waits for whatever holds the tables, as an operation of this session would. */
static void
group_wait_for_tables(void)
{
	for (int i = 0; i < WALLET_TABLES; i++)
	{
		const TableDescription *description = NULL;

		table_close(relation_cache_open((WalletTable) i, &description), RowExclusiveLock);
	}
}

static void
group_wait_for_holder(const GroupAnswer *answer, int *table_rounds)
{
	if (TransactionIdIsValid(answer->holder))
	{
		TimestampTz begun = stat_wait_begin(STAT_WAITS);

		XactLockTableWait(answer->holder, NULL, NULL, XLTW_None);
		stat_wait_end(STAT_WAITS, begun, NULL);
		return;
	}
	if (++*table_rounds > TABLE_ROUNDS_MAX)
		error_raise_group_lock();
	group_wait_for_tables();
}

pg_noreturn static void
group_raise(const GroupAnswer *answer, const Request *request)
{
	GroupText text = {0};

	if (DsaPointerIsValid(answer->text))
		text = group_text_take(answer->text);
	else if (answer->sqlstate == ERRCODE_T_R_STATEMENT_COMPLETION_UNKNOWN)
		error_raise_group_unknown(request->idempotency_key);
	ereport(ERROR, (errcode(answer->sqlstate),
					errmsg_internal("%s", text.message != NULL ? text.message : "transfer refused"),
					text.detail == NULL ? 0 : errdetail_internal("%s", text.detail),
					text.hint == NULL ? 0 : errhint("%s", text.hint)));
}

static pg_uuid_t *
group_transfer(const Request *request)
{
	GroupMessage message = group_message(request);
	pg_uuid_t *transaction_id = palloc(sizeof(pg_uuid_t));
	int table_rounds = 0;

	for (int rounds = 0;; rounds++)
	{
		GroupAnswer answer = group_ask(&message, rounds);

		if (answer.kind == GROUP_FAILED)
			group_raise(&answer, request);
		if (answer.kind == GROUP_DONE)
		{
			call_tell_replayed(answer.replayed);
			*transaction_id = answer.transaction_id;
			return transaction_id;
		}
		group_wait_for_holder(&answer, &table_rounds);
	}
}

Datum
wallet_transfer_grouped(PG_FUNCTION_ARGS)
{
	request_begin("wallet_transfer_grouped()");
	if (!group_queue_is_there())
		error_raise_group_not_there();
	group_check_transaction(get_func_namespace(fcinfo->flinfo->fn_oid));

	Request request = transfer_read(fcinfo);

	PG_RETURN_UUID_P(group_transfer(&request));
}
