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

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "idempotency.h"
#include "ledger.h"
#include "request.h"
#include "uuid7.h"
#include "wallet.h"

PG_FUNCTION_INFO_V1(wallet_fund);
PG_FUNCTION_INFO_V1(wallet_withdraw);
PG_FUNCTION_INFO_V1(wallet_transfer);

typedef struct Movement
{
	const Request *request;
	Snapshot snapshot;
	Ledger ledger;
	WalletScan scan;
	Wallet wallets[2];
	int wallet_count;
	Wallet *from;	  /* NULL: outside */
	Wallet *to;		  /* NULL: outside */
	Wallet *order[2]; /* by id: the order of locks and writes */
} Movement;

/* Why a movement may not be made; the first that applies, in the order of the error table. */
typedef enum FaultRule
{
	FAULT_NONE,
	FAULT_NOT_FOUND,
	FAULT_VERSION,
	FAULT_CLOSED,
	FAULT_FROZEN,
	FAULT_CURRENCY,
	FAULT_FUNDS,
	FAULT_LIMIT,
} FaultRule;

typedef struct Fault
{
	FaultRule rule;
	const Wallet *wallet;
} Fault;

static void
movement_add_wallet(Movement *movement, Wallet **side, const pg_uuid_t *id)
{
	if (id == NULL)
		return;
	*side = &movement->wallets[movement->wallet_count++];
	(*side)->id = *id;
}

static void
movement_init(Movement *movement, const Request *request)
{
	memset(movement, 0, sizeof(*movement));
	movement->request = request;
	movement_add_wallet(movement, &movement->from, request->from_wallet_id);
	movement_add_wallet(movement, &movement->to, request->to_wallet_id);

	bool swap = movement->wallet_count == 2 &&
				wallet_compare_id(&movement->wallets[0].id, &movement->wallets[1].id) > 0;

	movement->order[0] = &movement->wallets[swap ? 1 : 0];
	movement->order[1] = &movement->wallets[swap ? 0 : 1];
}

/* Opens the tables and reads the wallets with the snapshot that an UPDATE here would use. */
static void
movement_open(Movement *movement)
{
	movement->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	ledger_open(&movement->ledger);
	wallet_scan_begin(&movement->scan, movement->snapshot);
	for (int i = 0; i < movement->wallet_count; i++)
		wallet_find(&movement->scan, &movement->order[i]->id, movement->order[i]);
}

static void
movement_close(Movement *movement)
{
	for (int i = 0; i < movement->wallet_count; i++)
		wallet_release(movement->order[i]);
	wallet_scan_end(&movement->scan);
	ledger_close(&movement->ledger);
	UnregisterSnapshot(movement->snapshot);
}

static bool
text_equal(const text *left, const text *right)
{
	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		   memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

/* Rules of one wallet's status. */
static FaultRule
wallet_status_fault(const Wallet *wallet)
{
	switch (wallet->state.status)
	{
		case WALLET_CLOSED:
			return FAULT_CLOSED;
		case WALLET_FROZEN:
			return FAULT_FROZEN;
		case WALLET_ACTIVE:
			break;
	}
	return FAULT_NONE;
}

static bool
wallet_has_funds(const Wallet *wallet, Money amount)
{
	const WalletState *state = &wallet->state;
	Money after = money_subtract(state->balance, amount);

	return money_available(after, state->held, state->credit_limit) >= 0 && money_fits(after);
}

static bool
wallet_has_room(const Wallet *wallet, Money amount)
{
	Money after = money_add(wallet->state.balance, amount);

	return money_fits(after) &&
		   (!wallet->state.has_max_balance || after <= wallet->state.max_balance);
}

static Fault
movement_find_fault(const Movement *movement)
{
	const Request *request = movement->request;
	const Wallet *first = &movement->wallets[0];

	for (int i = 0; i < movement->wallet_count; i++)
		if (!movement->wallets[i].found)
			return (Fault){FAULT_NOT_FOUND, &movement->wallets[i]};
	if (request->has_expected_version && first->state.version != request->expected_version)
		return (Fault){FAULT_VERSION, first};
	for (int i = 0; i < movement->wallet_count; i++)
	{
		FaultRule rule = wallet_status_fault(&movement->wallets[i]);

		if (rule != FAULT_NONE)
			return (Fault){rule, &movement->wallets[i]};
	}
	if (movement->wallet_count == 2 && !text_equal(first->currency, movement->wallets[1].currency))
		return (Fault){FAULT_CURRENCY, &movement->wallets[1]};
	if (movement->from != NULL && !wallet_has_funds(movement->from, request->amount))
		return (Fault){FAULT_FUNDS, movement->from};
	if (movement->to != NULL && !wallet_has_room(movement->to, request->amount))
		return (Fault){FAULT_LIMIT, movement->to};
	return (Fault){FAULT_NONE, NULL};
}

static void
movement_raise_fault(const Movement *movement, Fault fault)
{
	const Request *request = movement->request;

	switch (fault.rule)
	{
		case FAULT_NONE:
			return;
		case FAULT_NOT_FOUND:
			error_raise_wallet_not_found(&fault.wallet->id);
		case FAULT_VERSION:
			error_raise_version_conflict(&fault.wallet->id, request->expected_version,
										 fault.wallet->state.version);
		case FAULT_CLOSED:
			error_raise_wallet_closed(&fault.wallet->id);
		case FAULT_FROZEN:
			error_raise_wallet_frozen(&fault.wallet->id);
		case FAULT_CURRENCY:
			error_raise_currency_mismatch(&fault.wallet->id,
										  text_to_cstring(movement->wallets[0].currency),
										  text_to_cstring(fault.wallet->currency));
		case FAULT_FUNDS:
			error_raise_insufficient_funds(&fault.wallet->id,
										   money_available(fault.wallet->state.balance,
														   fault.wallet->state.held,
														   fault.wallet->state.credit_limit),
										   request->amount);
		case FAULT_LIMIT:
			error_raise_limit_exceeded(&fault.wallet->id);
	}
}

/* The clock, after the newest entry of every wallet of the movement. */
static TimestampTz
movement_read_clock(const Movement *movement)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < movement->wallet_count; i++)
		now = Max(now, movement->wallets[i].state.updated_at + 1);
	return now;
}

/* Works out what the wallets will be. */
static void
movement_prepare(Movement *movement)
{
	TimestampTz now = movement_read_clock(movement);
	Money amount = movement->request->amount;

	for (int i = 0; i < movement->wallet_count; i++)
	{
		Wallet *wallet = &movement->wallets[i];

		wallet->next = wallet->state;
		wallet->next.version++;
		wallet->next.updated_at = now;
	}
	if (movement->from != NULL)
		movement->from->next.balance = money_subtract(movement->from->state.balance, amount);
	if (movement->to != NULL)
		movement->to->next.balance = money_add(movement->to->state.balance, amount);
}

/* Writes the wallets without waiting for anybody; false where that can't be. */
static bool
movement_try_write(Movement *movement)
{
	for (int i = 0; i < movement->wallet_count; i++)
		if (!wallet_try_update(&movement->scan, movement->order[i]))
			return false;
	return true;
}

/* Locks all wallets that this call hasn't written yet. */
static void
movement_lock(Movement *movement)
{
	/* What was written without waiting is to be written again, by a later command. */
	if (movement->order[0]->written)
		CommandCounterIncrement();
	for (int i = 0; i < movement->wallet_count; i++)
		if (!movement->order[i]->written)
			wallet_row_lock(&movement->scan, movement->order[i], true);
}

/* Locks, judges and writes. False where the wait showed that the request was done by another call. */
static bool
movement_write_locked(Movement *movement, LedgerRow *owner)
{
	movement_lock(movement);
	if (idempotency_find(&movement->ledger, movement->request, movement->snapshot, owner) ==
		KEY_TAKEN)
	{
		/* An equal request changes the same wallets: it can't have been done behind a written one. */
		if (movement->order[0]->written)
			error_raise_serialization_failure();
		return false;
	}
	movement_raise_fault(movement, movement_find_fault(movement));
	movement_prepare(movement);
	for (int i = 0; i < movement->wallet_count; i++)
		wallet_update_locked(&movement->scan, movement->order[i]);
	return true;
}

static void
movement_append(Movement *movement, pg_uuid_t *transaction_id)
{
	const Request *request = movement->request;
	LedgerRow row = {
		.kind = request->kind,
		.amount = request->amount,
		.currency = movement->wallets[0].currency,
		.idempotency_key = request->idempotency_key,
		.metadata = request->metadata,
		.created_at = movement->wallets[0].next.updated_at,
	};

	if (movement->from != NULL)
		row.from = ledger_side(movement->from);
	if (movement->to != NULL)
		row.to = ledger_side(movement->to);
	uuid7_make(row.created_at, &row.transaction_id);
	idempotency_insert(&movement->ledger, request, movement->snapshot, &row);
	*transaction_id = row.transaction_id;
}

/* Makes the movement, or finds the operation that did. */
static void
movement_make(Movement *movement, KeyState key, LedgerRow *owner, pg_uuid_t *transaction_id)
{
	bool done = false;

	if (key != KEY_TAKEN)
	{
		Fault fault = movement_find_fault(movement);

		if (fault.rule == FAULT_NOT_FOUND)
			movement_raise_fault(movement, fault);
		if (fault.rule == FAULT_NONE)
		{
			movement_prepare(movement);
			done = movement_try_write(movement);
		}
		if (!done)
			done = movement_write_locked(movement, owner);
	}
	if (done)
		movement_append(movement, transaction_id);
	else
		*transaction_id = owner->transaction_id;
}

/* Runs the request; returns the operation's id, palloc'd. */
static pg_uuid_t *
movement_run(const Request *request)
{
	pg_uuid_t *transaction_id = palloc(sizeof(pg_uuid_t));
	Movement movement;
	LedgerRow owner;
	KeyState key = KEY_FREE;

	movement_init(&movement, request);
	for (;;)
	{
		movement_open(&movement);
		key = idempotency_find(&movement.ledger, request, movement.snapshot, &owner);
		if (key != KEY_WAITED)
			break;
		movement_close(&movement);
	}
	movement_make(&movement, key, &owner, transaction_id);
	movement_close(&movement);
	return transaction_id;
}

/* Reads the optional arguments, which follow the amount, and the amount, which is judged last. */
static void
request_read_rest(Request *request, FunctionCallInfo fcinfo, int amount_argument)
{
	request_read_key(request, fcinfo, amount_argument + 1);
	request_read_expected_version(request, fcinfo, amount_argument + 2);
	request_read_metadata(request, fcinfo, amount_argument + 3);
	request->amount = money_check_amount(PG_GETARG_DATUM(amount_argument), "amount");
}

Datum
wallet_fund(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id", "amount"};
	Request request = {
		.operation = "wallet_fund",
		.kind = LEDGER_FUND,
		.to_argument = "wallet_id",
	};

	request_begin("wallet_fund()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.to_wallet_id = request_read_wallet_id(fcinfo, 0, request.to_argument);
	request_read_rest(&request, fcinfo, 1);
	PG_RETURN_UUID_P(movement_run(&request));
}

Datum
wallet_withdraw(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"wallet_id", "amount"};
	Request request = {
		.operation = "wallet_withdraw",
		.kind = LEDGER_WITHDRAW,
		.from_argument = "wallet_id",
	};

	request_begin("wallet_withdraw()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.from_wallet_id = request_read_wallet_id(fcinfo, 0, request.from_argument);
	request_read_rest(&request, fcinfo, 1);
	PG_RETURN_UUID_P(movement_run(&request));
}

Datum
wallet_transfer(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"from_wallet_id", "to_wallet_id", "amount"};
	Request request = {
		.operation = "wallet_transfer",
		.kind = LEDGER_TRANSFER,
		.from_argument = "from_wallet_id",
		.to_argument = "to_wallet_id",
	};

	request_begin("wallet_transfer()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.from_wallet_id = request_read_wallet_id(fcinfo, 0, request.from_argument);
	request.to_wallet_id = request_read_wallet_id(fcinfo, 1, request.to_argument);
	request_read_rest(&request, fcinfo, 2);
	if (wallet_compare_id(request.from_wallet_id, request.to_wallet_id) == 0)
		error_raise_same_wallet(request.from_wallet_id);
	PG_RETURN_UUID_P(movement_run(&request));
}
