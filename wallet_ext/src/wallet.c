/*
 * wallet.c
 *		The row of a wallet: find, lock, update, insert.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "lock_class.h"
#include "row_hint.h"
#include "table_columns.h"
#include "table_index.h"
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

void
wallet_scan_begin(WalletScan *scan, Snapshot snapshot)
{
	scan->table = relation_cache_open(TABLE_WALLETS, &scan->description);
	scan->snapshot = snapshot;
	scan->index = NULL;
	scan->scan = NULL;
}

void
wallet_scan_end(WalletScan *scan)
{
	if (scan->scan != NULL)
	{
		index_endscan(scan->scan);
		index_close(scan->index, NoLock);
	}
	table_close(scan->table, NoLock);
}

void
wallet_drop_slot(Wallet *wallet)
{
	if (wallet->slot != NULL)
		ExecDropSingleTupleTableSlot(wallet->slot);
	wallet->slot = NULL;
}

void
wallet_keep(Wallet *wallet)
{
	if (wallet->found && wallet->slot != NULL)
	{
		wallet->user_id = text_copy(wallet->user_id);
		wallet->currency = text_copy(wallet->currency);
	}
	wallet_drop_slot(wallet);
}

/* Datum of a column that is never NULL. */
static inline Datum
wallet_column(TupleTableSlot *slot, AttrNumber column)
{
	Assert(!slot->tts_isnull[column - 1]);
	return slot->tts_values[column - 1];
}

static void
wallet_read_slot(Wallet *wallet)
{
	TupleTableSlot *slot = wallet->slot;
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
	wallet->tid = slot->tts_tid;
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

/* Fetches the version of the row whose first version is at tid that the snapshot sees into the
 * wallet's slot. *all_dead: no transaction sees any version there. */
static bool
wallet_fetch_version(WalletScan *scan, ItemPointerData tid, Wallet *wallet, bool *all_dead)
{
	Buffer buffer = ReadBuffer(scan->table, ItemPointerGetBlockNumber(&tid));
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
wallet_slot_has_id(const Wallet *wallet)
{
	bool is_null = false;
	Datum id = slot_getattr(wallet->slot, WALLETS_ID, &is_null);

	return !is_null && wallet_compare_id(DatumGetUUIDP(id), &wallet->id) == 0;
}

/* Whether a hint led to the wallet. SERIALIZABLE wants the index look-up, which notes down what
 * this transaction has looked for. */
static bool
wallet_fetch_hinted(WalletScan *scan, Wallet *wallet)
{
	ItemPointerData tid;
	bool all_dead = false;

	return !IsolationIsSerializable() && row_hint_find(scan->table, &wallet->id, &tid) &&
		   wallet_fetch_version(scan, tid, wallet, &all_dead) && wallet_slot_has_id(wallet);
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
	if (wallet->slot == NULL)
		wallet->slot = table_slot_create(scan->table, NULL);
	wallet->found = wallet_fetch_hinted(scan, wallet) || wallet_fetch_indexed(scan, wallet);
	if (wallet->found)
		wallet_read_slot(wallet);
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

void
wallet_row_lock(WalletScan *scan, Wallet *wallet, bool queue)
{
	uint8 flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	TM_FailureData failure;

	/* A transaction of two calls that holds the row but not the place in line would deadlock with
	 * the line's head. */
	queue = queue && !wallet_is_ours(wallet);
	if (queue)
		lock_class_acquire(LOCK_CLASS_WALLET, wallet_queue_hash(wallet));
	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	TM_Result result = table_tuple_lock(scan->table, &wallet->tid, scan->snapshot, wallet->slot,
										GetCurrentCommandId(false), LockTupleNoKeyExclusive,
										LockWaitBlock, flags, &failure);

	/* The row is marked: who comes next waits for this transaction. A transaction of many calls
	 * must not fill the server's lock table. */
	if (queue)
		lock_class_release(LOCK_CLASS_WALLET, wallet_queue_hash(wallet));
	switch (result)
	{
		case TM_Ok:
			wallet_read_slot(wallet);
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

/* Columns of the row that wallet->next describes, in the current memory context. */
static void
wallet_fill_values(const Wallet *wallet, Datum *values, bool *nulls)
{
	const WalletState *next = &wallet->next;

	memset(nulls, 0, sizeof(bool) * WALLETS_COLUMNS);
	values[WALLETS_ID - 1] = UUIDPGetDatum(&wallet->id);
	values[WALLETS_USER_ID - 1] = PointerGetDatum(wallet->user_id);
	values[WALLETS_CURRENCY - 1] = PointerGetDatum(wallet->currency);
	values[WALLETS_BALANCE - 1] = money_to_column(next->balance);
	values[WALLETS_HELD - 1] = money_to_column(next->held);
	values[WALLETS_CREDIT_LIMIT - 1] = money_to_column(next->credit_limit);
	nulls[WALLETS_MAX_BALANCE - 1] = !next->max_balance.present;
	if (next->max_balance.present)
		values[WALLETS_MAX_BALANCE - 1] = money_to_column(next->max_balance.value);
	values[WALLETS_STATUS - 1] = CStringGetTextDatum(wallet_status_name(next->status));
	values[WALLETS_VERSION - 1] = Int64GetDatum(next->version);
	values[WALLETS_CREATED_AT - 1] = TimestampTzGetDatum(wallet->created_at);
	values[WALLETS_UPDATED_AT - 1] = TimestampTzGetDatum(next->updated_at);
	nulls[WALLETS_SEAL - 1] = !next->seal.present;
	if (next->seal.present)
		values[WALLETS_SEAL - 1] = seal_to_column(&next->seal);
}

/* A virtual slot with the row that wallet->next describes. */
static TupleTableSlot *
wallet_make_slot(Relation table, const Wallet *wallet)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);

	wallet_fill_values(wallet, slot->tts_values, slot->tts_isnull);
	return ExecStoreVirtualTuple(slot);
}

static TM_Result
wallet_update(WalletScan *scan, Wallet *wallet, bool wait)
{
	TupleTableSlot *slot = wallet_make_slot(scan->table, wallet);
	UpdateIndexes update_indexes = UPDATE_INDEXES_NONE;
	LockTupleMode lock_mode = LockTupleNoKeyExclusive;
	TM_FailureData failure;
	TM_Result result =
		table_tuple_update(scan->table, &wallet->tid, slot, GetCurrentCommandId(true),
						   scan->snapshot, InvalidSnapshot, wait, &failure, &lock_mode,
						   &update_indexes);

	if (result == TM_Ok)
	{
		wallet->tid = slot->tts_tid;
		wallet->written = true;
		if (update_indexes != UPDATE_INDEXES_NONE)
			table_index_insert(scan->table, scan->description, slot, INDEXES_ALL,
							   UPDATE_INDEXES_ARE_SUMMARIES(update_indexes) ? ROW_MOVED_ON_PAGE
																			: ROW_MOVED,
							   NULL, NULL);
	}
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

bool
wallet_try_update(WalletScan *scan, Wallet *wallet)
{
	return wallet_update(scan, wallet, false) == TM_Ok;
}

void
wallet_update_locked(WalletScan *scan, Wallet *wallet)
{
	TM_Result result = wallet_update(scan, wallet, true);

	if (result != TM_Ok)
		elog(ERROR, "locked wallet row could not be updated: result %d", (int) result);
}

void
wallet_insert(WalletScan *scan, const Wallet *wallet)
{
	TupleTableSlot *slot = wallet_make_slot(scan->table, wallet);

	table_tuple_insert(scan->table, slot, GetCurrentCommandId(true), 0, NULL);
	table_index_insert(scan->table, scan->description, slot, INDEXES_ALL, ROW_INSERTED, NULL, NULL);
	ExecDropSingleTupleTableSlot(slot);
}
