/*
 * wallet.c
 *		The row of a wallet: find, lock, update, insert.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bswap.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "clock.h"
#include "compat.h"
#include "errors.h"
#include "lock_class.h"
#include "row_hint.h"
#include "stat.h"
#include "table_row.h"
#include "text_value.h"
#include "wallet.h"

/* Room for the versions that a few updates at once add to a page. */
#define PAGE_RESERVE_BYTES 512

static const char *const status_names[] = {
	[WALLET_ACTIVE] = "active",
	[WALLET_FROZEN] = "frozen",
	[WALLET_CLOSED] = "closed",
};

const char *
wallet_status_name(WalletStatus status)
{
	return status_names[status];
}

WalletStatus
wallet_status_from_text(const text *name)
{
	return (WalletStatus) text_to_enum(name, status_names, lengthof(status_names), "wallet status");
}

int
wallet_compare_id(const pg_uuid_t *left, const pg_uuid_t *right)
{
	return memcmp(left->data, right->data, UUID_LEN);
}

WalletOrder
wallet_order(const pg_uuid_t *id)
{
	WalletOrder order;

	memcpy(order.numbers, id->data, UUID_LEN);
	for (int i = 0; i < lengthof(order.numbers); i++)
		order.numbers[i] = pg_ntoh64(order.numbers[i]);
	return order;
}

void
wallet_scan_begin(WalletScan *scan, Snapshot snapshot, bool is_of_many)
{
	*scan = (WalletScan){
		.snapshot = snapshot,
		.blocks = InvalidBlockNumber,
		.is_of_many = is_of_many,
	};
	scan->table = relation_cache_open(TABLE_WALLETS, &scan->description);
}

void
wallet_scan_end(WalletScan *scan)
{
	if (scan->scan != NULL)
	{
		index_endscan(scan->scan);
		index_close(scan->index, NoLock);
	}
	if (scan->slot != NULL)
		ExecDropSingleTupleTableSlot(scan->slot);
	if (scan->row != NULL)
		ExecDropSingleTupleTableSlot(scan->row);
	if (scan->row != NULL && scan->is_of_many)
		MemoryContextDelete(scan->row_context);
	table_close(scan->table, NoLock);
}

/* The slot that the wallet is read into. */
static void
wallet_open_slot(WalletScan *scan, Wallet *wallet)
{
	if (wallet->slot != NULL)
		return;
	if (!scan->is_of_many)
		wallet->slot = table_slot_create(scan->table, NULL);
	else if (scan->slot == NULL)
		scan->slot = table_slot_create(scan->table, NULL);
	if (scan->is_of_many)
		wallet->slot = scan->slot;
}

void
wallet_scan_rest(const WalletScan *scan)
{
	if (scan->slot != NULL)
		ExecClearTuple(scan->slot);
}

void
wallet_drop_slot(const WalletScan *scan, Wallet *wallet)
{
	if (wallet->slot != NULL && wallet->slot != scan->slot)
		ExecDropSingleTupleTableSlot(wallet->slot);
	wallet->slot = NULL;
}

void
wallet_keep(const WalletScan *scan, Wallet *wallet)
{
	if (wallet->found && wallet->slot != NULL)
	{
		wallet->user_id = text_copy(wallet->user_id);
		wallet->currency = text_copy(wallet->currency);
	}
	wallet_drop_slot(scan, wallet);
}

/* Datum of a column that is never NULL. */
static inline Datum
wallet_column(TupleTableSlot *slot, AttrNumber column)
{
	Assert(!slot->tts_isnull[column - 1]);
	return slot->tts_values[column - 1];
}

static void
wallet_read_slot(const WalletScan *scan, Wallet *wallet)
{
	TupleTableSlot *slot = relation_cache_row(scan->description, wallet->slot);
	WalletState *state = &wallet->state;

	slot_getallattrs(slot);
	wallet->user_id = DatumGetTextPP(wallet_column(slot, WALLETS_USER_ID));
	wallet->currency = DatumGetTextPP(wallet_column(slot, WALLETS_CURRENCY));
	wallet->created_at = DatumGetTimestampTz(wallet_column(slot, WALLETS_CREATED_AT));
	state->balance = money_from_column(wallet_column(slot, WALLETS_BALANCE));
	state->held = money_from_column(wallet_column(slot, WALLETS_HELD));
	state->credit_limit = money_from_column(wallet_column(slot, WALLETS_CREDIT_LIMIT));
	state->max_balance = (OptionalMoney){.present = false};
	if (!slot->tts_isnull[WALLETS_MAX_BALANCE - 1])
		state->max_balance =
			optional_money(money_from_column(slot->tts_values[WALLETS_MAX_BALANCE - 1]));
	state->status = wallet_status_from_text(DatumGetTextPP(wallet_column(slot, WALLETS_STATUS)));
	state->version = DatumGetInt64(wallet_column(slot, WALLETS_VERSION));
	state->updated_at = DatumGetTimestampTz(wallet_column(slot, WALLETS_UPDATED_AT));
	state->expired = 0;
	state->seal =
		seal_from_column(slot->tts_isnull[WALLETS_SEAL - 1], slot->tts_values[WALLETS_SEAL - 1]);
	wallet->next = *state;
	wallet->tid = wallet->slot->tts_tid;
}

/* An index scan prunes a page as soon as it is fuller than the fillfactor, which is at nearly every
 * update: a pass over all its rows and a WAL record to win the room of one version. The
 * fillfactor's room is there to be used up first. */
static void
wallet_prune_page(Relation table, Buffer buffer)
{
	Page page = BufferGetPage(buffer);

	if (PageIsFull(page) || PageGetHeapFreeSpace(page) < PAGE_RESERVE_BYTES)
		heap_page_prune_opt(table, buffer);
}

/* Of wallets in id order the one before is often on the same page, which its slot still has. */
static Buffer
wallet_read_buffer(const WalletScan *scan, const Wallet *wallet, BlockNumber block)
{
	Buffer buffer = ((BufferHeapTupleTableSlot *) wallet->slot)->buffer;

	if (TTS_EMPTY(wallet->slot) || !BufferIsValid(buffer) || BufferGetBlockNumber(buffer) != block)
		return ReadBuffer(scan->table, block);
	IncrBufferRefCount(buffer);
	return buffer;
}

/* Fetches the version of the row whose first version is at tid that the snapshot sees into the
 * wallet's slot. *all_dead: no transaction sees any version there. */
static bool
wallet_fetch_version(WalletScan *scan, ItemPointerData tid, Wallet *wallet, bool *all_dead)
{
	Buffer buffer = wallet_read_buffer(scan, wallet, ItemPointerGetBlockNumber(&tid));
	HeapTuple tuple = &((BufferHeapTupleTableSlot *) wallet->slot)->base.tupdata;

	wallet_prune_page(scan->table, buffer);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);

	bool found =
		heap_hot_search_buffer(&tid, scan->table, buffer, scan->snapshot, tuple, all_dead, true);

	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (!found)
	{
		ReleaseBuffer(buffer);
		return false;
	}
	tuple->t_self = tid;
	ExecStorePinnedBufferHeapTuple(tuple, wallet->slot, buffer);
	return true;
}

static bool
wallet_slot_has_id(const WalletScan *scan, const Wallet *wallet)
{
	bool is_null = false;
	Datum id = slot_getattr(wallet->slot, scan->description->columns[WALLETS_ID - 1], &is_null);

	return !is_null && wallet_compare_id(DatumGetUUIDP(id), &wallet->id) == 0;
}

/* Whether a hint led to the wallet. SERIALIZABLE wants the index look-up, which notes down what
 * this transaction has looked for. */
static bool
wallet_fetch_hinted(WalletScan *scan, Wallet *wallet)
{
	ItemPointerData tid;
	bool all_dead = false;

	if (IsolationIsSerializable() || !row_hint_find(scan->table, &wallet->id, &tid))
		return false;
	/* VACUUM may have cut off the end of the table, before it was opened. */
	if (scan->blocks == InvalidBlockNumber || ItemPointerGetBlockNumber(&tid) >= scan->blocks)
		scan->blocks = RelationGetNumberOfBlocks(scan->table);
	return ItemPointerGetBlockNumber(&tid) < scan->blocks &&
		   wallet_fetch_version(scan, tid, wallet, &all_dead) && wallet_slot_has_id(scan, wallet);
}

static void
wallet_scan_begin_index(WalletScan *scan)
{
	if (scan->scan != NULL)
		return;
	scan->index = index_open(scan->description->lookup_index, RowExclusiveLock);
	scan->scan = compat_index_beginscan(scan->table, scan->index, scan->snapshot, 1);
}

static bool
wallet_fetch_indexed(WalletScan *scan, Wallet *wallet)
{
	ScanKeyData key;
	ItemPointer tid = NULL;

	wallet_scan_begin_index(scan);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&wallet->id));
	index_rescan(scan->scan, &key, 1, NULL, 0);
	while ((tid = index_getnext_tid(scan->scan, ForwardScanDirection)) != NULL)
	{
		const ItemPointerData first = *tid;

		if (wallet_fetch_version(scan, first, wallet, &scan->scan->kill_prior_tuple))
		{
			pgstat_count_heap_fetch(scan->index);
			row_hint_store(scan->table, &wallet->id, &first);
			return true;
		}
	}
	return false;
}

void
wallet_find(WalletScan *scan, const pg_uuid_t *id, Wallet *wallet)
{
	wallet->id = *id;
	wallet->written = false;
	wallet_open_slot(scan, wallet);
	wallet->found = wallet_fetch_hinted(scan, wallet) || wallet_fetch_indexed(scan, wallet);
	if (wallet->found)
		wallet_read_slot(scan, wallet);
}

/* Whether this transaction wrote or locked the version in the slot. Others change xmax and what it
 * means together: both are read under the buffer's lock. */
static bool
wallet_is_ours(const Wallet *wallet)
{
	BufferHeapTupleTableSlot *slot = (BufferHeapTupleTableSlot *) wallet->slot;
	HeapTupleHeader header = slot->base.tuple->t_data;

	LockBuffer(slot->buffer, BUFFER_LOCK_SHARE);

	uint16 infomask = header->t_infomask;
	TransactionId xmin = HeapTupleHeaderGetXmin(header);
	TransactionId xmax = HeapTupleHeaderGetRawXmax(header);

	LockBuffer(slot->buffer, BUFFER_LOCK_UNLOCK);
	return TransactionIdIsCurrentTransactionId(xmin) || (infomask & HEAP_XMAX_IS_MULTI) != 0 ||
		   ((infomask & HEAP_XMAX_INVALID) == 0 && TransactionIdIsCurrentTransactionId(xmax));
}

static uint64
wallet_queue_hash(const Wallet *wallet)
{
	return hash_bytes_extended(wallet->id.data, UUID_LEN, 0);
}

/* The first one in progress of those that together lock the row. */
static TransactionId
multixact_holder(MultiXactId multixact, bool is_lock_only)
{
	MultiXactMember *members = NULL;
	int count = GetMultiXactIdMembers(multixact, &members, false, is_lock_only);
	TransactionId holder = InvalidTransactionId;

	for (int i = 0; i < count && !TransactionIdIsValid(holder); i++)
		if (members[i].status != MultiXactStatusForKeyShare &&
			TransactionIdIsInProgress(members[i].xid))
			holder = members[i].xid;
	if (members != NULL)
		pfree(members);
	return holder;
}

TransactionId
wallet_holder(const WalletScan *scan, const Wallet *wallet)
{
	Buffer buffer = ReadBuffer(scan->table, ItemPointerGetBlockNumber(&wallet->tid));

	LockBuffer(buffer, BUFFER_LOCK_SHARE);

	Page page = BufferGetPage(buffer);
	ItemId item = PageGetItemId(page, ItemPointerGetOffsetNumber(&wallet->tid));
	HeapTupleHeader header = (HeapTupleHeader) PageGetItem(page, item);
	TransactionId xmax = HeapTupleHeaderGetRawXmax(header);
	uint16 infomask = header->t_infomask;

	UnlockReleaseBuffer(buffer);
	if ((infomask & HEAP_XMAX_INVALID) != 0 || xmax == InvalidTransactionId)
		return InvalidTransactionId;
	if ((infomask & HEAP_XMAX_IS_MULTI) != 0)
		return multixact_holder(xmax, HEAP_XMAX_IS_LOCKED_ONLY(infomask));
	if (HEAP_XMAX_IS_LOCKED_ONLY(infomask) && HEAP_XMAX_IS_KEYSHR_LOCKED(infomask))
		return InvalidTransactionId;
	return TransactionIdIsInProgress(xmax) ? xmax : InvalidTransactionId;
}

void
wallet_row_lock(WalletScan *scan, Wallet *wallet, bool queue)
{
	uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	TM_FailureData failure;

	wallet_open_slot(scan, wallet);
	if (scan->is_of_many)
		wallet_scan_rest(scan);
	/* A transaction of two calls that holds the row but not the place in line would deadlock with
	 * the line's head. */
	queue = queue && !wallet_is_ours(wallet);

	bool waits = stat_is_on() && TransactionIdIsValid(wallet_holder(scan, wallet));
	TimestampTz begun = waits ? stat_wait_begin(STAT_WAITS) : 0;

	if (queue)
		lock_class_acquire(LOCK_CLASS_WALLET, wallet_queue_hash(wallet));
	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	TM_Result result = table_tuple_lock(scan->table, &wallet->tid, scan->snapshot, wallet->slot,
										GetCurrentCommandId(false), LockTupleNoKeyExclusive,
										LockWaitBlock, flags, &failure);

	/* The row is marked: who comes next waits for this transaction in any case. */
	if (queue && !lock_class_keep())
		lock_class_release(LOCK_CLASS_WALLET, wallet_queue_hash(wallet));
	if (waits)
		stat_wait_end(STAT_WAITS, begun, &wallet->id);
	switch (result)
	{
		case TM_Ok:
			wallet_read_slot(scan, wallet);
			break;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				error_raise_serialization_failure();
			wallet->found = false;
			break;
		default:
			elog(ERROR, "wallet row was modified by its own command");
	}
}

bool
wallet_seems_free(WalletScan *scan, Wallet *wallet)
{
	ItemPointerData tid = wallet->tid;
	SnapshotData dirty;

	InitDirtySnapshot(dirty);
	wallet_open_slot(scan, wallet);

	bool found = table_tuple_fetch_row_version(scan->table, &tid, &dirty, wallet->slot);

	wallet_drop_slot(scan, wallet);
	/* The look fills in who is about to change the row that it found. */
	return found && !TransactionIdIsValid(dirty.xmax);
}

bool
wallet_try_lock(WalletScan *scan, Wallet *wallet)
{
	ItemPointerData tid = wallet->tid;
	TM_FailureData failure;

	wallet_open_slot(scan, wallet);

	TM_Result result = table_tuple_lock(scan->table, &tid, scan->snapshot, wallet->slot,
										GetCurrentCommandId(false), LockTupleNoKeyExclusive,
										LockWaitSkip, 0, &failure);

	return result == TM_Ok;
}

/* Where the balance lies and whether held is one, a wallet's stored state can't follow from what it
 * is to become: what is there is not what the ledger says. */
static void
wallet_check_next(const Wallet *wallet)
{
	const WalletState *next = &wallet->next;
	const WalletState *state = &wallet->state;
	bool is_same = wallet->wrote_early && next->version == state->version;

	if (next->held < 0)
		error_raise_invariant("INV-2", &wallet->id, "held", money_format(next->held));
	if (!money_fits(next->balance))
		error_raise_invariant("INV-10", &wallet->id, "balance", money_format(next->balance));
	if (next->version < 0 || (wallet->found && next->version <= state->version && !is_same))
		error_raise_invariant("INV-2", &wallet->id, "version",
							  psprintf(INT64_FORMAT, next->version));
	/* A time that no event can state would also become that of the other wallet. */
	if (next->updated_at >= CLOCK_END ||
		(wallet->found && next->updated_at <= state->updated_at && !is_same))
		error_raise_invariant("INV-2", &wallet->id, "updated_at",
							  pstrdup(
								  timestamptz_to_str(Max(next->updated_at, state->updated_at))));
}

static void
wallet_set_column(TupleTableSlot *slot, AttrNumber column, Datum value)
{
	slot->tts_values[column - 1] = value;
	slot->tts_isnull[column - 1] = false;
}

/* The scan's slot for the row that is to be written, all of it NULL. */
static TupleTableSlot *
wallet_clear_row(WalletScan *scan)
{
	if (scan->row == NULL)
	{
		scan->row_context =
			scan->is_of_many
				? AllocSetContextCreate(CurrentMemoryContext, "wallet row", ALLOCSET_SMALL_SIZES)
				: CurrentMemoryContext;
		scan->row = table_row_make(scan->table, scan->description);
	}
	ExecClearTuple(scan->row);
	if (scan->is_of_many)
		MemoryContextReset(scan->row_context);
	memset(scan->row->tts_isnull, true, sizeof(bool) * scan->row->tts_tupleDescriptor->natts);
	return scan->row;
}

/* A virtual slot with the row that wallet->next describes; valid until the next one. */
static TupleTableSlot *
wallet_make_row(WalletScan *scan, const Wallet *wallet)
{
	const WalletState *next = &wallet->next;
	TupleTableSlot *slot = wallet_clear_row(scan);

	wallet_check_next(wallet);

	MemoryContext caller = MemoryContextSwitchTo(scan->row_context);

	wallet_set_column(slot, WALLETS_ID, UUIDPGetDatum(&wallet->id));
	wallet_set_column(slot, WALLETS_USER_ID, PointerGetDatum(wallet->user_id));
	wallet_set_column(slot, WALLETS_CURRENCY, PointerGetDatum(wallet->currency));
	wallet_set_column(slot, WALLETS_BALANCE, money_to_column(next->balance));
	wallet_set_column(slot, WALLETS_HELD, money_to_column(next->held));
	wallet_set_column(slot, WALLETS_CREDIT_LIMIT, money_to_column(next->credit_limit));
	if (next->max_balance.present)
		wallet_set_column(slot, WALLETS_MAX_BALANCE, money_to_column(next->max_balance.value));
	wallet_set_column(slot, WALLETS_STATUS, CStringGetTextDatum(wallet_status_name(next->status)));
	wallet_set_column(slot, WALLETS_VERSION, Int64GetDatum(next->version));
	wallet_set_column(slot, WALLETS_CREATED_AT, TimestampTzGetDatum(wallet->created_at));
	wallet_set_column(slot, WALLETS_UPDATED_AT, TimestampTzGetDatum(next->updated_at));
	if (next->seal.present)
		wallet_set_column(slot, WALLETS_SEAL, seal_to_column(&next->seal));
	MemoryContextSwitchTo(caller);
	return ExecStoreVirtualTuple(slot);
}

static bool
limits_differ(OptionalMoney left, OptionalMoney right)
{
	return left.present != right.present || (left.present && left.value != right.value);
}

ColumnSet
wallet_changed_columns(const Wallet *wallet)
{
	const WalletState *state = &wallet->state;
	const WalletState *next = &wallet->next;
	ColumnSet changed = COLUMN(WALLETS_VERSION) | COLUMN(WALLETS_UPDATED_AT);

	if (next->balance != state->balance)
		changed |= COLUMN(WALLETS_BALANCE);
	if (next->held != state->held)
		changed |= COLUMN(WALLETS_HELD);
	if (next->credit_limit != state->credit_limit)
		changed |= COLUMN(WALLETS_CREDIT_LIMIT);
	if (limits_differ(next->max_balance, state->max_balance))
		changed |= COLUMN(WALLETS_MAX_BALANCE);
	if (next->status != state->status)
		changed |= COLUMN(WALLETS_STATUS);
	if (next->seal.present)
		changed |= COLUMN(WALLETS_SEAL);
	return changed;
}

static TM_Result
wallet_update(WalletScan *scan, Wallet *wallet, ColumnSet changed, bool wait)
{
	TupleTableSlot *slot = wallet_make_row(scan, wallet);
	TM_Result result = table_row_update(scan->table, scan->description, &wallet->tid, slot, changed,
										scan->snapshot, wait);

	if (result == TM_Ok)
	{
		wallet->tid = slot->tts_tid;
		wallet->written = true;
	}
	return result;
}

bool
wallet_try_update(WalletScan *scan, Wallet *wallet)
{
	return scan->description->is_direct && wallet_update(scan, wallet, COLUMNS_ALL, false) == TM_Ok;
}

void
wallet_update_locked(WalletScan *scan, Wallet *wallet, ColumnSet changed)
{
	TM_Result result = wallet_update(scan, wallet, changed, true);

	if (result != TM_Ok)
		elog(ERROR, "locked wallet row could not be updated: result %d", (int) result);
}

void
wallet_insert(WalletScan *scan, const Wallet *wallet)
{
	TupleTableSlot *slot = wallet_make_row(scan, wallet);

	table_row_insert(scan->table, scan->description, slot);
}
