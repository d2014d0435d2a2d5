/*
 * idempotency.c
 *		An idempotency key's owner: find it, wait for it, compare its request.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "guc.h"
#include "idempotency.h"
#include "lock_class.h"
#include "text_value.h"

void
idempotency_compare_field(const LedgerRow *owner, const Request *request, const char *field,
						  const char *stored, const char *sent)
{
	if (stored == NULL && sent == NULL)
		return;
	if (stored == NULL || sent == NULL || strcmp(stored, sent) != 0)
		error_raise_idempotency_conflict(text_to_cstring(request->idempotency_key), field, stored,
										 sent, &owner->transaction_id);
}

static char *
print_uuid(OptionalUuid id)
{
	return id.present ? text_of_uuid(&id.value) : NULL;
}

static char *
print_money(OptionalMoney money)
{
	return money.present ? money_format(money.value) : NULL;
}

static const char *
print_bool(OptionalBool boolean)
{
	return !boolean.present ? NULL : boolean.value ? "true" : "false";
}

static char *
print_jsonb(Jsonb *value)
{
	return value == NULL ? NULL : JsonbToCString(NULL, &value->root, VARSIZE_ANY_EXHDR(value));
}

static char *
print_interval(Interval *value)
{
	return value == NULL
			   ? NULL
			   : DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(value)));
}

static void
compare_side(const LedgerRow *owner, const Request *request, const char *argument,
			 const LedgerSide *stored, const pg_uuid_t *sent)
{
	if (argument != NULL)
		idempotency_compare_field(owner, request, argument,
								  print_uuid(
									  optional_uuid(stored->present ? &stored->wallet_id : NULL)),
								  print_uuid(optional_uuid(sent)));
}

static void
compare_ids(const LedgerRow *owner, const Request *request)
{
	if (request->hold_id != NULL)
		idempotency_compare_field(owner, request, "hold_id", print_uuid(owner->hold_id),
								  print_uuid(optional_uuid(request->hold_id)));
	if (request->reverses != NULL)
		idempotency_compare_field(owner, request, "transaction_id", print_uuid(owner->reverses),
								  print_uuid(optional_uuid(request->reverses)));
	compare_side(owner, request, request->from_argument, &owner->from, request->from_wallet_id);
	compare_side(owner, request, request->to_argument, &owner->to, request->to_wallet_id);
}

static void
compare_creation(const LedgerRow *owner, const Request *request)
{
	if (request->kind != LEDGER_CREATED)
		return;
	idempotency_compare_field(owner, request, "wallet_id", print_uuid(owner->requested_wallet_id),
							  print_uuid(optional_uuid(request->new_wallet_id)));
	idempotency_compare_field(owner, request, "user_id", text_to_cstring(owner->to.user_id),
							  text_to_cstring(request->user_id));
	idempotency_compare_field(owner, request, "currency", text_to_cstring(owner->currency),
							  text_to_cstring(request->currency));
}

static void
compare_amount(const LedgerRow *owner, const Request *request)
{
	switch (request->amount_rule)
	{
		case AMOUNT_NONE:
			return;
		case AMOUNT_REQUIRED:
			idempotency_compare_field(owner, request, "amount", money_format(owner->amount),
									  money_format(request->amount.value));
			return;
		case AMOUNT_OPTIONAL:
			idempotency_compare_field(owner, request, "amount",
									  print_money(owner->requested_amount),
									  print_money(request->amount));
			return;
	}
}

/* Intervals are compared by value, as amounts are: 7 days are 168 hours. */
static void
compare_expires_in(const LedgerRow *owner, const Request *request)
{
	if (request->expires_in == NULL || owner->expires_in == NULL ||
		!DatumGetBool(DirectFunctionCall2(interval_eq, IntervalPGetDatum(owner->expires_in),
										  IntervalPGetDatum(request->expires_in))))
		idempotency_compare_field(owner, request, "expires_in", print_interval(owner->expires_in),
								  print_interval(request->expires_in));
}

/* Rows of before 1.2 don't say whether a maximum was given; without one it was lifted. */
static const char *
print_stored_maximum(const LedgerRow *owner)
{
	bool given = owner->max_balance_given.present ? owner->max_balance_given.value
												  : owner->max_balance.present;

	if (!given)
		return NULL;
	return owner->max_balance.present ? money_format(owner->max_balance.value) : "Infinity";
}

static void
compare_limits(const LedgerRow *owner, const Request *request)
{
	if (request->kind != LEDGER_LIMITS)
		return;
	idempotency_compare_field(owner, request, "credit_limit", print_money(owner->requested_amount),
							  print_money(request->credit_limit));
	idempotency_compare_field(owner, request, "max_balance", print_stored_maximum(owner),
							  request->lifts_max_balance ? "Infinity"
														 : print_money(request->max_balance));
}

/* jsonb prints equal values differently where numbers have trailing zeros: compare by value. */
static void
compare_metadata(const LedgerRow *owner, const Request *request)
{
	Jsonb *stored = owner->metadata;
	Jsonb *sent = request->metadata;

	if (stored != NULL && sent != NULL && compareJsonbContainers(&stored->root, &sent->root) == 0)
		return;
	idempotency_compare_field(owner, request, "metadata", print_jsonb(stored), print_jsonb(sent));
}

/* An item of a batch is a transfer for its key; before 1.2 its row named the batch. */
static const char *
operation_of_key(const LedgerRow *owner)
{
	return strcmp(owner->operation, "wallet_transfer_batch") == 0 ? "wallet_transfer"
																  : owner->operation;
}

void
idempotency_compare(const LedgerRow *owner, const Request *request)
{
	idempotency_compare_field(owner, request, "operation", operation_of_key(owner),
							  request->operation);
	compare_ids(owner, request);
	compare_creation(owner, request);
	compare_amount(owner, request);
	compare_expires_in(owner, request);
	idempotency_compare_field(owner, request, "final", print_bool(owner->final),
							  print_bool(request->final));
	compare_limits(owner, request);
	if (request->compare_legs != NULL)
		request->compare_legs(owner, request);
	compare_metadata(owner, request);
}

/* Fetches the newest row with the key into slot, committed or not. Returns the transaction that is
 * still to decide about it, which is invalid where none is. */
static bool
idempotency_fetch(Ledger *ledger, const text *key, TupleTableSlot *slot, TransactionId *undecided)
{
	Relation index = index_open(ledger->description->lookup_index, RowExclusiveLock);
	SnapshotData dirty;
	ScanKeyData scan_key;

	InitDirtySnapshot(dirty);
	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   index->rd_indcollation[0], F_TEXTEQ, PointerGetDatum(key));

	IndexScanDesc scan = compat_index_beginscan(ledger->table, index, &dirty, 1);

	index_rescan(scan, &scan_key, 1, NULL, 0);

	bool found = index_getnext_slot(scan, ForwardScanDirection, slot);

	/* The scan fills them in for the row that it found, and for nothing. */
	*undecided = InvalidTransactionId;
	if (found)
		*undecided = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
	/* The slot keeps its own pin: the row stays readable after the scan. */
	index_endscan(scan);
	index_close(index, NoLock);
	return found;
}

/* Fetches the row with the key into slot once no other transaction is to decide about it. */
static bool
idempotency_fetch_decided(Ledger *ledger, const text *key, TupleTableSlot *slot, bool *waited)
{
	TransactionId undecided = InvalidTransactionId;

	*waited = false;
	while (idempotency_fetch(ledger, key, slot, &undecided))
	{
		if (!TransactionIdIsValid(undecided))
			return true;

		ItemPointerData tid = slot->tts_tid;

		ExecClearTuple(slot);
		XactLockTableWait(undecided, ledger->table, &tid, XLTW_InsertIndex);
		*waited = true;
	}
	return false;
}

bool
idempotency_wait(Ledger *ledger, const text *key)
{
	bool waited = false;

	(void) idempotency_fetch_decided(ledger, key, ledger_found_slot(ledger), &waited);
	return waited;
}

KeyState
idempotency_look_up(Ledger *ledger, const text *key, Snapshot snapshot, LedgerRow *owner)
{
	bool waited = false;
	TupleTableSlot *slot = ledger_found_slot(ledger);

	if (!idempotency_fetch_decided(ledger, key, slot, &waited))
		return waited ? KEY_WAITED : KEY_FREE;
	if (IsolationUsesXactSnapshot() &&
		!table_tuple_satisfies_snapshot(ledger->table, slot, snapshot))
		error_raise_serialization_failure();
	/* A copy needs no buffer. */
	ExecMaterializeSlot(slot);
	ledger_read(relation_cache_row(ledger->description, slot), owner);
	return KEY_TAKEN;
}

KeyState
idempotency_find(Ledger *ledger, const Request *request, Snapshot snapshot, LedgerRow *owner)
{
	guc_replayed = false;
	if (request->idempotency_key == NULL)
		return KEY_FREE;

	KeyState state = idempotency_look_up(ledger, request->idempotency_key, snapshot, owner);

	if (state == KEY_TAKEN)
		idempotency_compare(owner, request);
	guc_replayed = state == KEY_TAKEN;
	return state;
}

static uint64
idempotency_hash(const text *key)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), 0);
}

void
idempotency_lock_key(const Request *request)
{
	if (request->idempotency_key != NULL)
		lock_class_acquire(LOCK_CLASS_KEY, idempotency_hash(request->idempotency_key));
}

void
idempotency_unlock_key(const Request *request)
{
	if (request->idempotency_key != NULL)
		lock_class_release(LOCK_CLASS_KEY, idempotency_hash(request->idempotency_key));
}

typedef struct Insertion
{
	Ledger *ledger;
	const Request *request;
	Snapshot snapshot;
} Insertion;

/* Another request took the key between the last look and the insertion. An equal request can't
 * have: it would have changed a wallet of this one. Should it still, a retry finds its id. */
static void
idempotency_raise_taken(void *argument)
{
	const Insertion *insertion = argument;
	LedgerRow owner;

	if (insertion->request != NULL)
		(void) idempotency_find(insertion->ledger, insertion->request, insertion->snapshot, &owner);
	error_raise_serialization_failure();
}

void
idempotency_enter_key(Ledger *ledger, const Request *request, Snapshot snapshot,
					  const LedgerRow *row)
{
	Insertion insertion = {ledger, request, snapshot};

	ledger_enter_key(ledger, row, idempotency_raise_taken, &insertion);
}
