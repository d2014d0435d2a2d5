/*
 * status.c
 *		wallet_freeze, wallet_unfreeze, wallet_close, wallet_set_limits: what a wallet may do.
 *
 * Each is a version of the wallet with an entry of amount 0. Frozen: nothing moves but releases and
 * reversals to the wallet; limits and closing work. Closed is final, and needs an empty wallet.
 */
#include "postgres.h"

#include "fmgr.h"

#include "call.h"
#include "errors.h"

PG_FUNCTION_INFO_V1(wallet_freeze);
PG_FUNCTION_INFO_V1(wallet_unfreeze);
PG_FUNCTION_INFO_V1(wallet_close);
PG_FUNCTION_INFO_V1(wallet_set_limits);

/* The locked wallet, whose next state the operation then sets. */
static Wallet *
status_wallet(Call *call, const Request *request)
{
	Wallet *wallet = wallet_set_get(&call->wallets, request->to_wallet_id);
	const Parties parties = {.first = wallet, .first_may_be_frozen = true};

	fault_raise(fault_of_parties(&parties, request));
	return wallet;
}

static void
status_append(Call *call, const Request *request, Wallet *wallet)
{
	journal_begin(&call->journal, request, call->now, &wallet, 1);

	LedgerRow *row = journal_append(&call->journal, request->kind, NULL, wallet, 0);

	if (request->kind != LEDGER_LIMITS)
		return;
	row->credit_limit = optional_money(wallet->next.credit_limit);
	row->max_balance = wallet->next.max_balance;
	row->max_balance_given =
		optional_bool(request->max_balance.present || request->lifts_max_balance);
	row->requested_amount = request->credit_limit;
}

static void
status_freeze(Call *call, const Request *request, void *state)
{
	Wallet *wallet = status_wallet(call, request);

	if (wallet->next.status == WALLET_FROZEN)
		error_raise_wallet_frozen(&wallet->id);
	wallet->next.status = WALLET_FROZEN;
	status_append(call, request, wallet);
}

static void
status_unfreeze(Call *call, const Request *request, void *state)
{
	Wallet *wallet = status_wallet(call, request);

	if (wallet->next.status != WALLET_FROZEN)
		error_raise_wallet_not_frozen(&wallet->id);
	wallet->next.status = WALLET_ACTIVE;
	status_append(call, request, wallet);
}

static void
status_close(Call *call, const Request *request, void *state)
{
	Wallet *wallet = status_wallet(call, request);

	call_release_expired(call, wallet);
	if (wallet->next.balance != 0 || wallet->next.held != 0)
		error_raise_wallet_not_empty(&wallet->id, wallet->next.balance, wallet->next.held,
									 wallet->next.expired);
	wallet->next.status = WALLET_CLOSED;
	status_append(call, request, wallet);
}

static void
status_set_limits(Call *call, const Request *request, void *state)
{
	Wallet *wallet = status_wallet(call, request);

	if (request->credit_limit.present)
		wallet->next.credit_limit = request->credit_limit.value;
	if (request->max_balance.present || request->lifts_max_balance)
		wallet->next.max_balance = request->max_balance;
	status_append(call, request, wallet);
}

static const CallSteps freeze_steps = {.lock = call_lock_sides, .judge = status_freeze};
static const CallSteps unfreeze_steps = {.lock = call_lock_sides, .judge = status_unfreeze};
static const CallSteps close_steps = {.lock = call_lock_sides, .judge = status_close};
static const CallSteps set_limits_steps = {.lock = call_lock_sides, .judge = status_set_limits};

static Datum
status_call(FunctionCallInfo fcinfo, const char *operation, const char *function,
			const CallSteps *steps)
{
	static const char *const required[] = {"wallet_id"};
	Request request = {
		.operation = operation,
		.kind = LEDGER_STATUS,
		.to_argument = "wallet_id",
	};

	request_begin(function);
	request_check_not_null(fcinfo, required, lengthof(required));
	request.to_wallet_id = request_read_id(fcinfo, 0, request.to_argument);
	request_read_last(&request, fcinfo, 1);
	PG_RETURN_UUID_P(call_run(&request, steps, NULL));
}

Datum
wallet_freeze(PG_FUNCTION_ARGS)
{
	return status_call(fcinfo, "wallet_freeze", "wallet_freeze()", &freeze_steps);
}

Datum
wallet_unfreeze(PG_FUNCTION_ARGS)
{
	return status_call(fcinfo, "wallet_unfreeze", "wallet_unfreeze()", &unfreeze_steps);
}

Datum
wallet_close(PG_FUNCTION_ARGS)
{
	return status_call(fcinfo, "wallet_close", "wallet_close()", &close_steps);
}

Datum
wallet_set_limits(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id"};
	Request request = {
		.operation = "wallet_set_limits",
		.kind = LEDGER_LIMITS,
		.to_argument = "wallet_id",
	};

	request_begin("wallet_set_limits()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.to_wallet_id = request_read_id(fcinfo, 0, request.to_argument);
	if (PG_ARGISNULL(1) && PG_ARGISNULL(2))
		error_raise_malformed("credit_limit", "and max_balance must not both be null");
	request_read_last(&request, fcinfo, 3);
	if (!PG_ARGISNULL(1))
		request.credit_limit =
			optional_money(request_check_limit(PG_GETARG_DATUM(1), "credit_limit"));
	request.lifts_max_balance = !PG_ARGISNULL(2) && money_is_infinite(PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(2) && !request.lifts_max_balance)
		request.max_balance =
			optional_money(request_check_limit(PG_GETARG_DATUM(2), "max_balance"));
	PG_RETURN_UUID_P(call_run(&request, &set_limits_steps, NULL));
}
