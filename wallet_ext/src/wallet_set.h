/*
 * wallet_set.h
 *		The wallets of one call: each once, in ascending id order, which is the order of locks
 *		(INV-11) and of writes.
 *
 * Order of calls: wallet_set_begin; then either wallet_set_find, judge, wallet_set_try_write, and
 * where that fails wallet_set_lock, or wallet_set_lock at once; judge; wallet_set_write;
 * wallet_set_end. What was judged without the locks holds once wallet_set_try_write has succeeded:
 * then all wallets are still as they were found, and nobody else can change them.
 * Judging reads and changes wallet->next, which starts as what was found or locked.
 */
#pragma once

#include "wallet.h"

/* A set this small stands in line for its wallets and keeps what it found in slots. */
#define WALLET_SET_SMALL 2

typedef struct WalletSet
{
	WalletScan scan;
	int count;
	bool wrote_early; /* any wallet, without the locks, before wallet_set_lock */
	Wallet *wallets;
	Wallet small[WALLET_SET_SMALL];
} WalletSet;

/* Opens wallets for the ids, in any order and repeated as it may be; NULL ones are skipped. The
 * snapshot must be registered until wallet_set_end. wallets, if given, are those of the ids, NULL
 * for NULL. */
extern void wallet_set_begin(WalletSet *set, Snapshot snapshot, const pg_uuid_t *const *ids,
							 int count, Wallet **wallets);
extern void wallet_set_end(WalletSet *set);

/* The wallet with this id, which must be one of the set's; NULL for NULL. */
extern Wallet *wallet_set_get(WalletSet *set, const pg_uuid_t *id);

/* Reads all wallets as the snapshot sees them. */
extern void wallet_set_find(WalletSet *set);

/* In id order writes the changed wallets and locks the others, without waiting; false as soon as
 * that can't be; where that shows at a look, nothing is written. */
extern bool wallet_set_try_write(WalletSet *set);

/* Locks all wallets that this call hasn't written yet and reads their newest versions; all start
 * again from what they were, also those that were written and are written again. found says which
 * of them exist. */
extern void wallet_set_lock(WalletSet *set);

/* Writes all changed wallets that aren't written yet; they are locked. */
extern void wallet_set_write(WalletSet *set);
