/*
 * call.c
 *		One call of an operation: what it has open, and the order in which it works.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "call.h"
#include "clock.h"
#include "executor_write.h"
#include "guc.h"
#include "seal_chain.h"
#include "stat.h"

void
call_begin(Call *call)
{
	memset(call, 0, sizeof(*call));
	call->context = CurrentMemoryContext;
	call->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	ledger_open(&call->ledger);
	journal_init(&call->journal);
}

void
call_end(Call *call)
{
	if (call->has_newest)
		PopActiveSnapshot();
	if (call->has_wallets)
		wallet_set_end(&call->wallets);
	if (call->has_holds)
		hold_table_close(&call->holds);
	ledger_close(&call->ledger);
	UnregisterSnapshot(call->snapshot);
}

void
call_restart(Call *call)
{
	call_end(call);
	call_begin(call);
}

bool
call_find_key(Call *call, const Request *request, LedgerRow *owner)
{
	KeyState state = KEY_WAITED;

	while ((state = idempotency_find(&call->ledger, request, call->snapshot, owner)) == KEY_WAITED)
		call_restart(call);
	return state == KEY_TAKEN;
}

bool
call_find_key_again(Call *call, const Request *request, LedgerRow *owner)
{
	KeyState state = idempotency_find(&call->ledger, request, call->snapshot, owner);

	/* Time went by, and what the locked wallets hold may have expired. */
	if (state == KEY_WAITED)
		call->now = clock_read();
	return state == KEY_TAKEN;
}

void
call_open_wallets(Call *call, const pg_uuid_t *const *ids, int count, Wallet **wallets)
{
	wallet_set_begin(&call->wallets, call->snapshot, ids, count, wallets);
	call->has_wallets = true;
}

void
call_lock(Call *call)
{
	wallet_set_lock(&call->wallets);
	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot()
												   : GetLatestSnapshot());
	call->has_newest = true;
	call->now = clock_read();
}

HoldTable *
call_holds(Call *call)
{
	if (!call->has_holds)
		hold_table_open(&call->holds);
	call->has_holds = true;
	return &call->holds;
}

void
call_change_hold(Call *call, const Hold *hold)
{
	MemoryContext caller = MemoryContextSwitchTo(call->context);
	Hold *changed = palloc(sizeof(Hold));

	*changed = *hold;
	call->changed_holds = lappend(call->changed_holds, changed);
	MemoryContextSwitchTo(caller);
}

void
call_expire_hold(Call *call, Wallet *wallet, Hold *hold)
{
	Money rest = hold_row_remaining(hold);

	journal_begin(&call->journal, NULL, call->now, &wallet, 1);

	LedgerRow *row = journal_append(&call->journal, LEDGER_EXPIRE, NULL, wallet, rest);

	row->hold_id = optional_uuid(&hold->id);
	hold->released = money_add(hold->released, rest);
	hold->status = HOLD_EXPIRED;
	call_change_hold(call, hold);
}

void
call_release_expired(Call *call, Wallet *wallet)
{
	ListCell *cell;

	if (wallet == NULL || wallet->expired_released || wallet->next.held == 0)
		return;
	foreach (cell, hold_row_list_expired(call_holds(call), &wallet->id, call->now,
										 CALL_EXPIRIES_MAX - call->expiries, &wallet->next.expired))
	{
		call_expire_hold(call, wallet, lfirst(cell));
		call->expiries++;
	}
	wallet->expired_released = true;
}

bool
call_try_write(Call *call)
{
	seal_journal(&call->journal);
	if (wallet_set_try_write(&call->wallets))
		return true;
	stat_add(STAT_CONFLICTS, 1);
	journal_truncate(&call->journal, 0);
	return false;
}

static void
call_write_rows(void *argument)
{
	Call *call = argument;
	ListCell *cell;

	wallet_set_write(&call->wallets);
	foreach (cell, call->changed_holds)
	{
		const Hold *hold = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (ItemPointerIsValid(&hold->tid))
			hold_row_update(call_holds(call), hold);
		else
			hold_row_insert(call_holds(call), hold);
	}
	journal_write(&call->journal, &call->ledger, call->snapshot);
}

static bool
call_writes_directly(Call *call)
{
	return call->wallets.scan.description->is_direct && call->ledger.description->is_direct &&
		   (call->changed_holds == NIL || call_holds(call)->description->is_direct);
}

void
call_write(Call *call)
{
	if (call->has_newest)
		seal_journal(&call->journal);
	if (call->journal.count == 0 || call_writes_directly(call))
		call_write_rows(call);
	else
		executor_write_run(call_write_rows, call);
}

void
call_tell_replayed(bool replayed)
{
	guc_replayed = replayed;
	if (replayed)
		stat_add(STAT_REPLAYED, 1);
}

pg_uuid_t *
call_run(const Request *request, const CallSteps *steps, void *state)
{
	pg_uuid_t *transaction_id = palloc(sizeof(pg_uuid_t));
	LedgerRow owner;
	Call call;

	call_begin(&call);
	bool done = call_find_key(&call, request, &owner);

	if (!done)
	{
		steps->lock(&call, request, state);
		done = call_find_key_again(&call, request, &owner);
	}
	if (!done)
	{
		steps->judge(&call, request, state);
		call_write(&call);
	}
	*transaction_id = done ? owner.transaction_id : call.journal.transaction_id;
	call_end(&call);
	call_tell_replayed(done);
	return transaction_id;
}

void
call_lock_sides(Call *call, const Request *request, void *state)
{
	const pg_uuid_t *ids[] = {request->from_wallet_id, request->to_wallet_id};

	call_open_wallets(call, ids, lengthof(ids), NULL);
	call_lock(call);
}
