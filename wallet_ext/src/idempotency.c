/*
 * idempotency.c
 *		An idempotency key's owner: find it, wait for it, compare its request.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "idempotency.h"
#include "lock_class.h"

/* Both requests of a comparison, for the error. */
typedef struct Comparison
{
	const char *key;
	const pg_uuid_t *transaction_id;
} Comparison;

static void
comparison_expect(const Comparison *comparison, const char *field, const char *stored,
				  const char *sent)
{
	if (stored == NULL && sent == NULL)
		return;
	if (stored == NULL || sent == NULL || strcmp(stored, sent) != 0)
		error_raise_idempotency_conflict(comparison->key, field, stored, sent,
										 comparison->transaction_id);
}

static char *
uuid_or_null(const pg_uuid_t *id)
{
	return id == NULL ? NULL : DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(id)));
}

static void
comparison_expect_side(const Comparison *comparison, const char *argument, const LedgerSide *stored,
					   const pg_uuid_t *sent)
{
	if (argument != NULL)
		comparison_expect(comparison, argument,
						  uuid_or_null(stored->present ? &stored->wallet_id : NULL),
						  uuid_or_null(sent));
}

static char *
jsonb_or_null(Jsonb *value)
{
	return value == NULL ? NULL : JsonbToCString(NULL, &value->root, VARSIZE_ANY_EXHDR(value));
}

/* jsonb prints equal values differently where numbers have trailing zeros: compare by value. */
static void
comparison_expect_metadata(const Comparison *comparison, Jsonb *stored, Jsonb *sent)
{
	if (stored != NULL && sent != NULL && compareJsonbContainers(&stored->root, &sent->root) == 0)
		return;
	comparison_expect(comparison, "metadata", jsonb_or_null(stored), jsonb_or_null(sent));
}

/* Raises WL005 for the first field that differs. */
static void
idempotency_compare(const LedgerRow *owner, const char *operation, const Request *request)
{
	const Comparison comparison = {
		text_to_cstring(request->idempotency_key),
		&owner->transaction_id,
	};

	comparison_expect(&comparison, "operation", operation, request->operation);
	comparison_expect_side(&comparison, request->from_argument, &owner->from,
						   request->from_wallet_id);
	comparison_expect_side(&comparison, request->to_argument, &owner->to, request->to_wallet_id);
	if (request->kind == LEDGER_CREATED)
	{
		comparison_expect(&comparison, "wallet_id", uuid_or_null(owner->requested_wallet_id),
						  uuid_or_null(request->new_wallet_id));
		comparison_expect(&comparison, "user_id", text_to_cstring(owner->to.user_id),
						  text_to_cstring(request->user_id));
		comparison_expect(&comparison, "currency", text_to_cstring(owner->currency),
						  text_to_cstring(request->currency));
	}
	comparison_expect(&comparison, "amount", money_format(owner->amount),
					  money_format(request->amount));
	comparison_expect_metadata(&comparison, owner->metadata, request->metadata);
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
	ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, PointerGetDatum(key));

	IndexScanDesc scan = compat_index_beginscan(ledger->table, index, &dirty, 1);

	index_rescan(scan, &scan_key, 1, NULL, 0);

	bool found = index_getnext_slot(scan, ForwardScanDirection, slot);

	*undecided = TransactionIdIsValid(dirty.xmin) ? dirty.xmin : dirty.xmax;
	/* The slot keeps its own pin: the row stays readable after the scan. */
	index_endscan(scan);
	index_close(index, NoLock);
	return found;
}

KeyState
idempotency_find(Ledger *ledger, const Request *request, Snapshot snapshot, LedgerRow *owner)
{
	KeyState state = KEY_FREE;
	TransactionId undecided = InvalidTransactionId;

	if (request->idempotency_key == NULL)
		return state;

	TupleTableSlot *slot = table_slot_create(ledger->table, NULL);

	while (idempotency_fetch(ledger, request->idempotency_key, slot, &undecided))
	{
		if (TransactionIdIsValid(undecided))
		{
			ItemPointerData tid = slot->tts_tid;

			ExecClearTuple(slot);
			XactLockTableWait(undecided, ledger->table, &tid, XLTW_InsertIndex);
			state = KEY_WAITED;
			continue;
		}
		if (IsolationUsesXactSnapshot() &&
			!table_tuple_satisfies_snapshot(ledger->table, slot, snapshot))
			error_raise_serialization_failure();

		const char *operation = ledger_read(slot, owner);

		idempotency_compare(owner, operation, request);
		state = KEY_TAKEN;
		break;
	}
	ExecDropSingleTupleTableSlot(slot);
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

/* Another request took the key between the last look and the insertion. An equal request can't have:
 * it would have changed a wallet of this one. Should it still, a retry finds its id. */
static void
idempotency_raise_taken(void *argument)
{
	const Insertion *insertion = argument;
	LedgerRow owner;

	(void) idempotency_find(insertion->ledger, insertion->request, insertion->snapshot, &owner);
	error_raise_serialization_failure();
}

void
idempotency_insert(Ledger *ledger, const Request *request, Snapshot snapshot, const LedgerRow *row)
{
	Insertion insertion = {ledger, request, snapshot};

	ledger_insert(ledger, row, row->idempotency_key == NULL ? NULL : idempotency_raise_taken,
				  &insertion);
}
