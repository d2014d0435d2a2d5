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
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "idempotency.h"
#include "ledger_many.h"
#include "lock_class.h"
#include "stat.h"
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

/* A scan of the key index that sees what isn't committed too. It must end before a wait: it may
 * keep a page from VACUUM. */
typedef struct KeyScan
{
	Ledger *ledger;
	Relation index;
	SnapshotData dirty;
	IndexScanDesc scan;
} KeyScan;

static void
key_scan_begin(KeyScan *scan, Ledger *ledger)
{
	scan->ledger = ledger;
	scan->index = index_open(ledger->description->lookup_index, RowExclusiveLock);
	InitDirtySnapshot(scan->dirty);
	scan->scan = compat_index_beginscan(ledger->table, scan->index, &scan->dirty, 1);
}

/* Fetches the newest row with the key into slot, committed or not. *undecided is the transaction
 * that is still to decide about it, which is invalid where none is. */
static bool
key_scan_fetch(KeyScan *scan, const text *key, TupleTableSlot *slot, TransactionId *undecided)
{
	ScanKeyData scan_key;

	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   scan->index->rd_indcollation[0], F_TEXTEQ, PointerGetDatum(key));
	index_rescan(scan->scan, &scan_key, 1, NULL, 0);

	bool found = index_getnext_slot(scan->scan, ForwardScanDirection, slot);

	/* The scan fills them in for the row that it found, and for nothing. */
	*undecided = InvalidTransactionId;
	if (found)
		*undecided = TransactionIdIsValid(scan->dirty.xmin) ? scan->dirty.xmin : scan->dirty.xmax;
	return found;
}

static void
key_scan_end(KeyScan *scan)
{
	/* The slot keeps its own pin: the row stays readable after the scan. */
	index_endscan(scan->scan);
	index_close(scan->index, NoLock);
}

/* Fetches the row with the key into slot once no other transaction is to decide about it. */
static bool
key_scan_fetch_decided(KeyScan *scan, const text *key, TupleTableSlot *slot, bool *waited)
{
	TransactionId undecided = InvalidTransactionId;

	while (key_scan_fetch(scan, key, slot, &undecided))
	{
		if (!TransactionIdIsValid(undecided))
			return true;

		Ledger *ledger = scan->ledger;
		ItemPointerData tid = slot->tts_tid;

		ExecClearTuple(slot);
		key_scan_end(scan);

		TimestampTz begun = stat_wait_begin(STAT_KEY_WAITS);

		XactLockTableWait(undecided, ledger->table, &tid, XLTW_InsertIndex);
		stat_wait_end(STAT_KEY_WAITS, begun, NULL);
		*waited = true;
		key_scan_begin(scan, ledger);
	}
	return false;
}

KeyPlace
idempotency_place(const text *key, int position)
{
	uint64 prefix = 0;

	memcpy(&prefix, VARDATA_ANY(key), Min(VARSIZE_ANY_EXHDR(key), sizeof(prefix)));
	return (KeyPlace){.prefix = pg_ntoh64(prefix), .key = key, .position = position};
}

static int
compare_key_texts(const text *left, const text *right)
{
	int left_bytes = VARSIZE_ANY_EXHDR(left);
	int right_bytes = VARSIZE_ANY_EXHDR(right);
	int order = memcmp(VARDATA_ANY(left), VARDATA_ANY(right), Min(left_bytes, right_bytes));

	return order != 0 ? order : left_bytes - right_bytes;
}

static int
compare_key_places(const void *left, const void *right)
{
	const KeyPlace *one = left;
	const KeyPlace *other = right;

	if (one->prefix != other->prefix)
		return one->prefix < other->prefix ? -1 : 1;

	int order = compare_key_texts(one->key, other->key);

	return order != 0 ? order : one->position - other->position;
}

void
idempotency_sort(KeyPlace *places, int count)
{
	qsort(places, count, sizeof(KeyPlace), compare_key_places);
}

bool
idempotency_same_key(const KeyPlace *left, const KeyPlace *right)
{
	return left->prefix == right->prefix && compare_key_texts(left->key, right->key) == 0;
}

/* As key_scan_fetch_decided, but without the wait: *taker is who would be waited for. */
static bool
key_scan_fetch_now(KeyScan *scan, const text *key, TupleTableSlot *slot, TransactionId *taker)
{
	return key_scan_fetch(scan, key, slot, taker) && !TransactionIdIsValid(*taker);
}

bool
idempotency_look_up_all(Ledger *ledger, KeyPlace *places, int count, bool wait)
{
	TupleTableSlot *slot = ledger_found_slot(ledger);
	bool waited = false;
	KeyScan scan;

	key_scan_begin(&scan, ledger);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && idempotency_same_key(&places[i], &places[i - 1]))
		{
			places[i].is_taken = places[i - 1].is_taken;
			places[i].taker = places[i - 1].taker;
		}
		else if (!wait)
			places[i].is_taken = key_scan_fetch_now(&scan, places[i].key, slot, &places[i].taker);
		else
			places[i].is_taken = key_scan_fetch_decided(&scan, places[i].key, slot, &waited);
		ExecClearTuple(slot);
	}
	key_scan_end(&scan);
	return waited;
}

KeyState
idempotency_look_up(Ledger *ledger, const text *key, Snapshot snapshot, LedgerRow *owner)
{
	bool waited = false;
	TupleTableSlot *slot = ledger_found_slot(ledger);
	KeyScan scan;

	key_scan_begin(&scan, ledger);

	bool found = key_scan_fetch_decided(&scan, key, slot, &waited);

	key_scan_end(&scan);
	if (!found)
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
	if (request->idempotency_key == NULL)
		return KEY_FREE;

	KeyState state = idempotency_look_up(ledger, request->idempotency_key, snapshot, owner);

	if (state == KEY_TAKEN)
		idempotency_compare(owner, request);
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

void
idempotency_enter_keys(Ledger *ledger, Snapshot snapshot, LedgerRow *const *rows, int count)
{
	Insertion insertion = {ledger, NULL, snapshot};

	ledger_enter_keys(ledger, rows, count, idempotency_raise_taken, &insertion);
}
