/*
 * hold.c
 *		wallet_hold, wallet_capture, wallet_release, wallet_expire_holds: money reserved.
 *
 * A hold keeps money in balance and out of available until it is captured, released or expires. It
 * expires by the clock read under its wallet's lock, swept or not. Whoever holds the wallet's lock
 * decides about its holds, so of a capture, a release and an expiry of one hold exactly one wins.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "call.h"
#include "clock.h"
#include "errors.h"
#include "outside.h"
#include "stat.h"

PG_FUNCTION_INFO_V1(wallet_hold);
PG_FUNCTION_INFO_V1(wallet_capture);
PG_FUNCTION_INFO_V1(wallet_release);
PG_FUNCTION_INFO_V1(wallet_expire_holds);

#define DAYS_PER_MONTH_MAX 31

/* Goes on by one part of a span, as PostgreSQL does; false where that may leave the calendar, with
 * months at their longest and a day for the time zone. */
static bool
expiry_step(TimestampTz *at, Interval part)
{
	int128 after =
		*at + ((int128) part.month * DAYS_PER_MONTH_MAX + part.day) * USECS_PER_DAY + part.time;

	if (after >= (int128) END_TIMESTAMP - USECS_PER_DAY ||
		after <= (int128) MIN_TIMESTAMP + USECS_PER_DAY)
		return false;
	*at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(*at),
												  IntervalPGetDatum(&part)));
	return true;
}

/*
 * When a hold that begins now ends; a span that isn't ahead, or ends when no event can say so, is
 * malformed. PostgreSQL adds months, days and time one after the other, and each step must stay
 * within the calendar, whatever the next one takes back.
 */
static TimestampTz
hold_expiry(TimestampTz now, const Interval *expires_in)
{
	TimestampTz expires_at = now;

	if (!expiry_step(&expires_at, (Interval){.month = expires_in->month}) ||
		!expiry_step(&expires_at, (Interval){.day = expires_in->day}) ||
		!expiry_step(&expires_at, (Interval){.time = expires_in->time}) || expires_at <= now ||
		expires_at >= CLOCK_END)
		error_raise_malformed("expires_in", "must be above 0 and end before the year 10000");
	return expires_at;
}

static void
hold_append(Call *call, const Request *request, Wallet *wallet)
{
	journal_begin(&call->journal, request, call->now, &wallet, 1);

	LedgerRow *row =
		journal_append(&call->journal, LEDGER_HOLD, wallet, NULL, request->amount.value);
	const Hold hold = {
		.id = row->transaction_id,
		.wallet_id = wallet->id,
		.amount = request->amount.value,
		.status = HOLD_OPEN,
		.expires_at = hold_expiry(row->created_at, request->expires_in),
		.created_at = row->created_at,
	};

	row->hold_id = optional_uuid(&hold.id);
	row->expires_at = optional_time(hold.expires_at);
	row->expires_in = request->expires_in;
	call_change_hold(call, &hold);
}

static void
hold_judge(Call *call, const Request *request, void *state)
{
	Wallet *wallet = wallet_set_get(&call->wallets, request->from_wallet_id);
	const Parties parties = {.first = wallet};

	fault_raise(fault_of_parties(&parties, request));
	call_release_expired(call, wallet);
	fault_raise(fault_of_hold(wallet, request->amount.value));
	hold_append(call, request, wallet);
}

static const CallSteps hold_steps = {.lock = call_lock_sides, .judge = hold_judge};

Datum
wallet_hold(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id", "amount", "expires_in"};
	Request request = {
		.operation = "wallet_hold",
		.kind = LEDGER_HOLD,
		.from_argument = "wallet_id",
		.amount_rule = AMOUNT_REQUIRED,
	};

	request_begin("wallet_hold()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.from_wallet_id = request_read_id(fcinfo, 0, request.from_argument);
	request.expires_in = PG_GETARG_INTERVAL_P(2);
	(void) hold_expiry(clock_read(), request.expires_in);
	request_read_last(&request, fcinfo, 3);
	request_read_amount(&request, fcinfo, 1);
	PG_RETURN_UUID_P(call_run(&request, &hold_steps, NULL));
}

/* A capture or a release: the hold, its wallet and, for a capture to a wallet, that one. */
typedef struct Settlement
{
	Call *call;
	const Request *request;
	Hold hold;
	Wallet *wallet;
	Wallet *to; /* NULL: outside, and for a release */
} Settlement;

/* Finds the hold, whose wallet never changes, to know what to lock. */
static void
settlement_lock(Call *call, const Request *request, void *state)
{
	Settlement *settlement = state;

	settlement->call = call;
	settlement->request = request;
	PushActiveSnapshot(call->snapshot);
	if (!hold_row_find(call_holds(call), request->hold_id, &settlement->hold))
		error_raise_hold_not_found(request->hold_id);
	PopActiveSnapshot();
	if (request->to_wallet_id != NULL &&
		wallet_compare_id(request->to_wallet_id, &settlement->hold.wallet_id) == 0)
		error_raise_same_wallet(request->to_wallet_id);
	if (request->kind == LEDGER_CAPTURE && request->to_wallet_id == NULL)
		outside_check_out(RelationGetNamespace(call->ledger.table), request->to_argument);

	const pg_uuid_t *ids[] = {&settlement->hold.wallet_id, request->to_wallet_id};

	call_open_wallets(call, ids, lengthof(ids), NULL);
	call_lock(call);
	settlement->wallet = wallet_set_get(&call->wallets, &settlement->hold.wallet_id);
	settlement->to = wallet_set_get(&call->wallets, request->to_wallet_id);
	/* The hold as it is under the lock. */
	if (!hold_row_find(call_holds(call), request->hold_id, &settlement->hold))
		error_raise_hold_not_found(request->hold_id);
}

static void
settlement_check_parties(const Settlement *settlement, bool may_be_frozen)
{
	const Parties parties = {
		.first = settlement->wallet,
		.second = settlement->to,
		.first_may_be_frozen = may_be_frozen,
	};

	fault_raise(fault_of_parties(&parties, settlement->request));
}

/* WL021 or WL022 for a hold that nothing can be taken from any more. */
static void
hold_check_open(const Hold *hold)
{
	switch (hold->status)
	{
		case HOLD_OPEN:
			return;
		case HOLD_EXPIRED:
			error_raise_hold_expired(&hold->id, hold->expires_at);
		case HOLD_CAPTURED:
		case HOLD_RELEASED:
			error_raise_hold_not_open(&hold->id, hold_row_status_name(hold->status));
	}
}

static LedgerRow *
settlement_append(Settlement *settlement, LedgerKind kind, Wallet *from, Wallet *to, Money amount)
{
	LedgerRow *row = journal_append(&settlement->call->journal, kind, from, to, amount);

	row->hold_id = optional_uuid(&settlement->hold.id);
	return row;
}

static void
settlement_begin(Settlement *settlement)
{
	Wallet *const wallets[] = {settlement->wallet, settlement->to};

	journal_begin(&settlement->call->journal, settlement->request, settlement->call->now, wallets,
				  lengthof(wallets));
}

static void
settlement_capture(Call *call, const Request *request, void *state)
{
	Settlement *settlement = state;
	Hold *hold = &settlement->hold;
	Money amount = request->amount.present ? request->amount.value : hold_row_remaining(hold);

	settlement_check_parties(settlement, false);
	hold_check_open(hold);
	if (hold->expires_at <= settlement->call->now)
		error_raise_hold_expired(&hold->id, hold->expires_at);
	if (amount > hold_row_remaining(hold))
		error_raise_exceeds_hold(&hold->id, hold_row_remaining(hold), amount);
	fault_raise(fault_of_overdraft(settlement->wallet, amount));
	if (settlement->to != NULL)
		fault_raise(fault_of_credit(settlement->to, amount));

	settlement_begin(settlement);

	LedgerRow *row =
		settlement_append(settlement, LEDGER_CAPTURE, settlement->wallet, settlement->to, amount);

	row->requested_amount = request->amount;
	row->final = request->final;
	hold->captured = money_add(hold->captured, amount);

	Money rest = hold_row_remaining(hold);

	if (request->final.value && rest > 0)
	{
		settlement_append(settlement, LEDGER_RELEASE, NULL, settlement->wallet, rest);
		hold->released = money_add(hold->released, rest);
	}
	if (hold_row_remaining(hold) == 0)
		hold->status = HOLD_CAPTURED;
	call_change_hold(settlement->call, hold);
}

static void
settlement_release(Call *call, const Request *request, void *state)
{
	Settlement *settlement = state;
	Hold *hold = &settlement->hold;
	Money rest = hold_row_remaining(hold);

	settlement_check_parties(settlement, true);
	hold_check_open(hold);
	settlement_begin(settlement);
	settlement_append(settlement, LEDGER_RELEASE, NULL, settlement->wallet, rest);
	hold->released = money_add(hold->released, rest);
	hold->status = HOLD_RELEASED;
	call_change_hold(settlement->call, hold);
}

static const CallSteps capture_steps = {.lock = settlement_lock, .judge = settlement_capture};
static const CallSteps release_steps = {.lock = settlement_lock, .judge = settlement_release};

Datum
wallet_capture(PG_FUNCTION_ARGS)
{
	Request request = {
		.operation = "wallet_capture",
		.kind = LEDGER_CAPTURE,
		.to_argument = "to_wallet_id",
		.amount_rule = AMOUNT_OPTIONAL,
	};
	Settlement settlement = {0};

	request_begin("wallet_capture()");
	if (PG_ARGISNULL(0))
		error_raise_null_argument("hold_id");
	if (PG_ARGISNULL(3))
		error_raise_null_argument("final");
	request.hold_id = request_read_id(fcinfo, 0, "hold_id");
	if (!PG_ARGISNULL(1))
		request.to_wallet_id = request_read_id(fcinfo, 1, request.to_argument);
	request.final = optional_bool(PG_GETARG_BOOL(3));
	request_read_last(&request, fcinfo, 4);
	request_read_amount(&request, fcinfo, 2);
	PG_RETURN_UUID_P(call_run(&request, &capture_steps, &settlement));
}

Datum
wallet_release(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"hold_id"};
	Request request = {
		.operation = "wallet_release",
		.kind = LEDGER_RELEASE,
	};
	Settlement settlement = {0};

	request_begin("wallet_release()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.hold_id = request_read_id(fcinfo, 0, "hold_id");
	request_read_last(&request, fcinfo, 1);
	PG_RETURN_UUID_P(call_run(&request, &release_steps, &settlement));
}

/* Releases those of the candidates that are still open and expired under the locks. */
static int
expire_candidates(Call *call, const List *candidates)
{
	ListCell *cell;
	int released = 0;

	foreach (cell, candidates)
	{
		const Hold *candidate = lfirst(cell);
		Hold hold;

		CHECK_FOR_INTERRUPTS();
		if (!hold_row_find(call_holds(call), &candidate->id, &hold) || hold.status != HOLD_OPEN ||
			hold.expires_at > call->now)
			continue;
		call_expire_hold(call, wallet_set_get(&call->wallets, &hold.wallet_id), &hold);
		released++;
	}
	return released;
}

static int
expire_run(Call *call, int max)
{
	PushActiveSnapshot(call->snapshot);

	List *candidates = hold_row_list_all_expired(call_holds(call), clock_read(), max);

	PopActiveSnapshot();
	if (candidates == NIL)
		return 0;

	const pg_uuid_t **ids = palloc(sizeof(pg_uuid_t *) * list_length(candidates));
	ListCell *cell;

	foreach (cell, candidates)
		ids[foreach_current_index(cell)] = &((const Hold *) lfirst(cell))->wallet_id;
	call_open_wallets(call, ids, list_length(candidates), NULL);
	call_lock(call);

	int released = expire_candidates(call, candidates);

	call_write(call);
	return released;
}

Datum
wallet_expire_holds(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"max"};
	Call call;

	request_begin("wallet_expire_holds()");
	request_check_not_null(fcinfo, required, lengthof(required));
	if (PG_GETARG_INT32(0) < 0)
		error_raise_malformed("max", "must not be negative");
	call_begin(&call);

	int released = expire_run(&call, PG_GETARG_INT32(0));

	call_end(&call);
	stat_add_items(released);
	PG_RETURN_INT32(released);
}
