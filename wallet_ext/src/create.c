/*
 * create.c
 *		wallet_create: a new wallet with balance 0, version 0 and its CREATED entry.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "call.h"
#include "clock.h"
#include "errors.h"
#include "executor_write.h"
#include "guc.h"
#include "idempotency.h"
#include "ledger.h"
#include "request.h"
#include "seal_chain.h"
#include "uuid7.h"
#include "wallet.h"

PG_FUNCTION_INFO_V1(wallet_create);

/* What create_write_rows writes. */
typedef struct Creation
{
	WalletScan *scan;
	Ledger *ledger;
	const Request *request;
	const Wallet *wallet;
	LedgerRow *row;
} Creation;

static void
create_write_rows(void *argument)
{
	const Creation *creation = argument;

	wallet_insert(creation->scan, creation->wallet);
	ledger_insert(creation->ledger, creation->row);
	if (creation->row->idempotency_key != NULL)
		idempotency_enter_key(creation->ledger, creation->request, creation->scan->snapshot,
							  creation->row);
}

/* Inserts the wallet and its entry, which is version 0 and sets the limits. */
static void
create_insert(WalletScan *scan, Ledger *ledger, const Request *request, pg_uuid_t *wallet_id)
{
	TimestampTz now = clock_read();
	Wallet wallet = {
		.user_id = request->user_id,
		.currency = request->currency,
		.created_at = now,
		.next = {.status = WALLET_ACTIVE, .updated_at = now},
	};

	if (request->new_wallet_id != NULL)
		wallet.id = *request->new_wallet_id;
	else
		uuid7_make(now, &wallet.id);

	LedgerRow row = {
		.kind = LEDGER_CREATED,
		.to = ledger_side(&wallet),
		.currency = request->currency,
		.idempotency_key = request->idempotency_key,
		.requested_wallet_id = optional_uuid(request->new_wallet_id),
		.metadata = request->metadata,
		.created_at = now,
		.caller = ledger_caller(),
		.seals = guc_seal,
		.operation = request->operation,
		.credit_limit = optional_money(0),
	};

	uuid7_make(now, &row.transaction_id);
	seal_new_wallet(&row);

	Creation creation = {scan, ledger, request, &wallet, &row};

	if (scan->description->is_direct && ledger->description->is_direct)
		create_write_rows(&creation);
	else
		executor_write_run(create_write_rows, &creation);
	*wallet_id = wallet.id;
}

/* Creates the wallet, or finds the one that the key's owner created; whether it has found one. */
static bool
create_or_find(WalletScan *scan, Ledger *ledger, const Request *request, pg_uuid_t *wallet_id)
{
	LedgerRow owner;
	bool found = idempotency_find(ledger, request, scan->snapshot, &owner) == KEY_TAKEN;

	if (!found)
	{
		/* Two creations share no wallet that one could find changed: they line up at the key. */
		idempotency_lock_key(request);
		found = idempotency_find(ledger, request, scan->snapshot, &owner) == KEY_TAKEN;
		if (!found)
			create_insert(scan, ledger, request, wallet_id);
		idempotency_unlock_key(request);
	}
	if (found)
		*wallet_id = owner.to.wallet_id;
	return found;
}

static pg_uuid_t *
create_run(const Request *request)
{
	pg_uuid_t *wallet_id = palloc(sizeof(pg_uuid_t));
	Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
	WalletScan scan;
	Ledger ledger;

	ledger_open(&ledger);
	wallet_scan_begin(&scan, snapshot, false);
	bool found = create_or_find(&scan, &ledger, request, wallet_id);

	wallet_scan_end(&scan);
	ledger_close(&ledger);
	UnregisterSnapshot(snapshot);
	call_tell_replayed(found);
	return wallet_id;
}

Datum
wallet_create(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"user_id", "currency"};
	Request request = {
		.operation = "wallet_create",
		.kind = LEDGER_CREATED,
	};

	request_begin("wallet_create()");
	request_check_not_null(fcinfo, required, lengthof(required));
	request.user_id = request_read_user_id(fcinfo, 0);
	request.currency = request_read_currency(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		request.new_wallet_id = request_read_id(fcinfo, 2, "wallet_id");
	request_read_key(&request, fcinfo, 3);
	request_read_metadata(&request, fcinfo, 4);
	PG_RETURN_UUID_P(create_run(&request));
}
