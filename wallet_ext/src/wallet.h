/*
 * wallet.h
 *		The row of a wallet: find, lock, update, insert.
 *
 * All access is direct: row hint or index look-up, table_tuple_lock, table_tuple_update. A row is
 * found with the snapshot an UPDATE would use, and followed to its newest version as an UPDATE
 * would: READ COMMITTED goes on with the newest version, REPEATABLE READ and SERIALIZABLE raise
 * 40001 (INV-12).
 *
 * Order of calls: wallet_scan_begin, wallet_find of each wallet; then either wallet_try_update of
 * each in id order, or wallet_row_lock of each in id order and wallet_update_locked (INV-11);
 * wallet_drop_slot of each, wallet_scan_end. A wallet that was written before a lock is waited for
 * may be written again after CommandCounterIncrement.
 */
#pragma once

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "money.h"
#include "optional.h"
#include "relation_cache.h"
#include "seal.h"

typedef enum WalletStatus
{
	WALLET_ACTIVE,
	WALLET_FROZEN,
	WALLET_CLOSED,
} WalletStatus;

/* What an operation changes of a wallet. */
typedef struct WalletState
{
	Money balance;
	Money held;
	Money expired; /* part of held that expired holds keep: known once the oldest are released */
	Money credit_limit;
	OptionalMoney max_balance;
	WalletStatus status;
	int64 version;
	TimestampTz updated_at; /* of the newest entry */
	Seal seal;				/* of the newest entry */
} WalletState;

/* A wallet as an operation sees it. user_id and currency point into slot, or to copies where that
 * is NULL. Of many wallets none keeps a slot. */
typedef struct Wallet
{
	pg_uuid_t id;
	bool found;
	text *user_id;
	text *currency;
	TimestampTz created_at;
	WalletState state; /* as found or locked */
	WalletState next;  /* as the operation will leave it */
	TupleTableSlot *slot;
	ItemPointerData tid;   /* of the version to update */
	bool written;		   /* this call has written next */
	bool wrote_early;	   /* it had written before it had the locks, and must write again */
	bool expired_released; /* this call has released the expired holds */
} Wallet;

/* The open table, and an index scan on it as soon as one is needed. */
typedef struct WalletScan
{
	Relation table;
	const TableDescription *description;
	Snapshot snapshot;
	BlockNumber blocks;				/* of the table: it can't shrink while it is open */
	bool is_of_many;				/* one slot for all wallets: what it held is copied */
	TupleTableSlot *slot;			/* of many; NULL: not yet */
	TupleTableSlot *row;			/* of the version that is written; NULL: not yet */
	MemoryContext row_context;		/* of its values; of many, it is used again */
	Relation index;					/* NULL: not yet */
	struct IndexScanDescData *scan; /* NULL: not yet */
} WalletScan;

extern const char *wallet_status_name(WalletStatus status);
extern WalletStatus wallet_status_from_text(const text *name);

/* Byte order of ids: the order of locks. */
extern int wallet_compare_id(const pg_uuid_t *left, const pg_uuid_t *right);

/* An id as numbers that compare as its bytes: to sort many. */
typedef struct WalletOrder
{
	uint64 numbers[2];
} WalletOrder;

extern WalletOrder wallet_order(const pg_uuid_t *id);

static inline int
wallet_compare_order(const WalletOrder *left, const WalletOrder *right)
{
	for (int i = 0; i < lengthof(left->numbers); i++)
		if (left->numbers[i] != right->numbers[i])
			return left->numbers[i] < right->numbers[i] ? -1 : 1;
	return 0;
}

/* Opens wallets for writing. The snapshot must be registered until wallet_scan_end. Without
 * is_of_many each wallet that is found has a slot of its own. */
extern void wallet_scan_begin(WalletScan *scan, Snapshot snapshot, bool is_of_many);
extern void wallet_scan_end(WalletScan *scan);

/* Lets go of the page that the slot of many is on: nothing may be waited for meanwhile. */
extern void wallet_scan_rest(const WalletScan *scan);

/* Lets go of the wallet's own slot; after that user_id and currency point nowhere. */
extern void wallet_drop_slot(const WalletScan *scan, Wallet *wallet);

/* Lets go of the slot, but keeps what it held by copies in the current memory context. */
extern void wallet_keep(const WalletScan *scan, Wallet *wallet);

/* Reads the wallet by its id into wallet, which must be zeroed before its first use; wallet->found
 * says whether the snapshot sees it. */
extern void wallet_find(WalletScan *scan, const pg_uuid_t *id, Wallet *wallet);

/* Waits for the row lock an UPDATE would take and reads the newest version again. Raises 40001
 * above READ COMMITTED where that is newer than the snapshot. wallet->found turns false if the row
 * is gone. queue: wait in line on a heavyweight lock first, so that many waiters of one wallet wake
 * one by one; only for operations of few wallets. */
extern void wallet_row_lock(WalletScan *scan, Wallet *wallet, bool queue);

/* The transaction that a writer of the version found would have to wait for; invalid: nobody. */
extern TransactionId wallet_holder(const WalletScan *scan, const Wallet *wallet);

/* Whether nobody has changed the row or is about to; who only locks it isn't seen. Lets go of the
 * wallet's slot. */
extern bool wallet_seems_free(WalletScan *scan, Wallet *wallet);

/* Writes wallet->next where nobody else holds or has changed the row and it is written directly;
 * otherwise changes nothing and returns false. */
extern bool wallet_try_update(WalletScan *scan, Wallet *wallet);

/* Locks the row where nobody else holds or has changed it; otherwise returns false. */
extern bool wallet_try_lock(WalletScan *scan, Wallet *wallet);

/* The columns in which wallet->next differs from what was found. */
extern ColumnSet wallet_changed_columns(const Wallet *wallet);

/* Writes wallet->next; the row is locked or was written by this call. changed: the columns in which
 * any wallet of the call differs. */
extern void wallet_update_locked(WalletScan *scan, Wallet *wallet, ColumnSet changed);

/* Inserts a new wallet from id, user_id, currency, created_at and next. Raises 23505 where the id
 * exists. */
extern void wallet_insert(WalletScan *scan, const Wallet *wallet);
