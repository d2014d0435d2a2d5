/*
 * transfer.c
 *		wallet_fund, wallet_withdraw and wallet_transfer: one movement of money, with its rules.
 *
 * A movement has a side it leaves and a side it reaches; one of them may be the world outside. It
 * is tried without waiting first: the wallets are read, judged and written in id order. As soon as
 * somebody else is found at one of them, or a rule says no, all of them are locked in id order,
 * read again and judged by what is then true (INV-3, INV-11). A wallet that was written before the
 * wait is written a second time. Above READ COMMITTED a newer row raises 40001 (INV-12).
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "call.h"
#include "clock.h"
#include "errors.h"
#include "transfer.h"

PG_FUNCTION_INFO_V1(wallet_fund);
PG_FUNCTION_INFO_V1(wallet_withdraw);
PG_FUNCTION_INFO_V1(wallet_transfer);

typedef struct Transfer
{
	const Request *request;
	Call call;
	Wallet *sides[2]; /* from, to; NULL: outside */
} Transfer;

#define FROM 0
#define TO	 1

static void
transfer_open_wallets(Transfer *transfer)
{
	const Request *request = transfer->request;
	const pg_uuid_t *ids[] = {request->from_wallet_id, request->to_wallet_id};

	call_open_wallets(&transfer->call, ids, lengthof(ids), transfer->sides);
}

static Fault
transfer_fault_of_parties(const Transfer *transfer)
{
	const Parties parties = {.first = transfer->sides[FROM], .second = transfer->sides[TO]};

	return fault_of_parties(&parties, transfer->request);
}

static Fault
transfer_fault_of_amount(const Transfer *transfer)
{
	Money amount = transfer->request->amount.value;
	Fault fault = {FAULT_NONE};

	if (transfer->sides[FROM] != NULL)
		fault = fault_of_debit(transfer->sides[FROM], amount);
	if (fault.rule == FAULT_NONE && transfer->sides[TO] != NULL)
		fault = fault_of_credit(transfer->sides[TO], amount);
	return fault;
}

static void
transfer_append(Transfer *transfer)
{
	const Request *request = transfer->request;
	Journal *journal = &transfer->call.journal;

	journal_begin(journal, request, transfer->call.now, transfer->sides, lengthof(transfer->sides));
	journal_append(journal, request->kind, transfer->sides[FROM], transfer->sides[TO],
				   request->amount.value);
}

/* Writes the wallets where nothing is in the way. A payer that holds money is locked, since its
 * holds may expire. */
static bool
transfer_try(Transfer *transfer)
{
	Call *call = &transfer->call;
	const Wallet *from = transfer->sides[FROM];
	Fault fault = transfer_fault_of_parties(transfer);

	if (fault.rule == FAULT_NOT_FOUND)
		fault_raise(fault);
	if (fault.rule != FAULT_NONE || (from != NULL && from->next.held != 0) ||
		transfer_fault_of_amount(transfer).rule != FAULT_NONE)
		return false;
	call->now = clock_read();
	transfer_append(transfer);
	return call_try_write(call);
}

/* Locks and judges. False where the wait showed that another call has done the request. */
static bool
transfer_locked(Transfer *transfer, LedgerRow *owner)
{
	Call *call = &transfer->call;

	call_lock(call);
	if (call_find_key_again(call, transfer->request, owner))
	{
		/*
		 * An equal request changes the same wallets: it can't have been done behind a written one.
		 */
		if (call->wallets.wrote_early)
			error_raise_serialization_failure();
		return false;
	}
	fault_raise(transfer_fault_of_parties(transfer));
	call_release_expired(call, transfer->sides[FROM]);
	fault_raise(transfer_fault_of_amount(transfer));
	transfer_append(transfer);
	return true;
}

/* Makes the movement, or finds the operation that did; returns the operation's id, palloc'd. */
static pg_uuid_t *
transfer_run(const Request *request)
{
	pg_uuid_t *transaction_id = palloc(sizeof(pg_uuid_t));
	Transfer transfer = {.request = request};
	Call *call = &transfer.call;
	KeyState key = KEY_FREE;
	bool moved = false;
	LedgerRow owner;

	call_begin(call);
	for (;;)
	{
		transfer_open_wallets(&transfer);
		wallet_set_find(&call->wallets);
		key = idempotency_find(&call->ledger, request, call->snapshot, &owner);
		if (key != KEY_WAITED)
			break;
		call_restart(call);
	}
	moved = key != KEY_TAKEN && (transfer_try(&transfer) || transfer_locked(&transfer, &owner));
	if (moved)
		call_write(call);
	*transaction_id = moved ? call->journal.transaction_id : owner.transaction_id;
	call_end(call);
	call_tell_replayed(!moved);
	return transaction_id;
}

Datum
wallet_fund(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id", "amount"};
	Request request = {
		.operation = "wallet_fund",
		.kind = LEDGER_FUND,
		.to_argument = "wallet_id",
		.amount_rule = AMOUNT_REQUIRED,
	};

	request_begin("wallet_fund()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.to_wallet_id = request_read_id(fcinfo, 0, request.to_argument);
	request_read_last(&request, fcinfo, 2);
	request_read_amount(&request, fcinfo, 1);
	PG_RETURN_UUID_P(transfer_run(&request));
}

Datum
wallet_withdraw(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id", "amount"};
	Request request = {
		.operation = "wallet_withdraw",
		.kind = LEDGER_WITHDRAW,
		.from_argument = "wallet_id",
		.amount_rule = AMOUNT_REQUIRED,
	};

	request_begin("wallet_withdraw()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.from_wallet_id = request_read_id(fcinfo, 0, request.from_argument);
	request_read_last(&request, fcinfo, 2);
	request_read_amount(&request, fcinfo, 1);
	PG_RETURN_UUID_P(transfer_run(&request));
}

Request
transfer_read(FunctionCallInfo fcinfo)
{
	static const char *const required[] = {"from_wallet_id", "to_wallet_id", "amount"};
	Request request = {
		.operation = "wallet_transfer",
		.kind = LEDGER_TRANSFER,
		.from_argument = required[0],
		.to_argument = required[1],
		.amount_rule = AMOUNT_REQUIRED,
	};

	request_check_not_null(fcinfo, required, lengthof(required));
	request.from_wallet_id = request_read_id(fcinfo, 0, request.from_argument);
	request.to_wallet_id = request_read_id(fcinfo, 1, request.to_argument);
	request_read_last(&request, fcinfo, 3);
	request_read_amount(&request, fcinfo, 2);
	if (wallet_compare_id(request.from_wallet_id, request.to_wallet_id) == 0)
		error_raise_same_wallet(request.from_wallet_id);
	return request;
}

Datum
wallet_transfer(PG_FUNCTION_ARGS)
{
	request_begin("wallet_transfer()");

	Request request = transfer_read(fcinfo);

	PG_RETURN_UUID_P(transfer_run(&request));
}
