/*
 * call.h
 *		One call of an operation: what it has open, and the order in which it works.
 *
 * 1. call_begin and call_find_key: the tables; whether the request was done before. A key that is
 *    being taken is waited for before any wallet is locked.
 * 2. call_open_wallets, call_lock: the wallets in id order, then the clock, and from here on the
 *    active snapshot sees all that was committed before the locks were got. The key is looked up
 *    again: whoever had the locks before may have done the request.
 * 3. The operation judges, and says with journal_append and call_change_hold what is to be written.
 * 4. call_write: wallets, holds, rows, keys. call_end.
 *
 * call_run does this for operations of one request; single movements of money try without the locks
 * first (transfer.c), and a batch is many requests (batch.c).
 */
#pragma once

#include "hold_table.h"
#include "idempotency.h"
#include "journal.h"
#include "wallet_set.h"

/* So many expired holds a call releases at most: nobody pays for what others have left behind. */
#define CALL_EXPIRIES_MAX 100

typedef struct Call
{
	MemoryContext context; /* of what lasts as long as the call */
	Snapshot snapshot;	   /* as an UPDATE here would see the wallets */
	bool has_wallets;
	bool has_holds;
	bool has_newest; /* the active snapshot is newer than all waits */
	Ledger ledger;
	HoldTable holds; /* by call_holds */
	WalletSet wallets;
	TimestampTz now; /* the clock after the last wait */
	Journal journal;
	List *changed_holds; /* Hold, as they are to be */
	int expiries;		 /* expired holds that the call has released */
} Call;

/* Opens the ledger. */
extern void call_begin(Call *call);
extern void call_end(Call *call);

/* Begins again with a newer snapshot; nothing may be locked or written yet. */
extern void call_restart(Call *call);

/* Whether the request was done before; *owner is then its first row.
 * Restarts the call after each wait. */
extern bool call_find_key(Call *call, const Request *request, LedgerRow *owner);

/* The same under the locks; after a wait for the key the clock is read again. */
extern bool call_find_key_again(Call *call, const Request *request, LedgerRow *owner);

/* The wallets that the call may touch, in any order; NULL ones are skipped. wallets, if given, are
 * those of the ids. */
extern void call_open_wallets(Call *call, const pg_uuid_t *const *ids, int count, Wallet **wallets);

/* Locks the wallets and reads the clock. */
extern void call_lock(Call *call);

/* The holds, opened when they are first asked for. */
extern HoldTable *call_holds(Call *call);

/* Makes the hold part of what is to be written. */
extern void call_change_hold(Call *call, const Hold *hold);

/*
 * A debit or a hold on a wallet first releases the oldest of what has expired there, each hold by
 * an operation of its own (EXPIRE), at most CALL_EXPIRIES_MAX in all of the call;
 * wallet->next.expired is what the others keep, which counts no more either. An error takes that
 * back as well. NULL is skipped.
 */
extern void call_release_expired(Call *call, Wallet *wallet);

/* Releases one expired hold. */
extern void call_expire_hold(Call *call, Wallet *wallet, Hold *hold);

/* Writes the wallets without having locked them; false where somebody is in the way, and then the
 * journal is empty again. */
extern bool call_try_write(Call *call);

/* Seals what is to be sealed and writes the wallets, unless call_try_write did, the holds, the rows
 * and the keys. */
extern void call_write(Call *call);

/* At the end of a call: whether its key had been taken by the same request. */
extern void call_tell_replayed(bool replayed);

/* What an operation does in steps 2 and 3. state is the operation's own. */
typedef struct CallSteps
{
	void (*lock)(Call *call, const Request *request, void *state);
	void (*judge)(Call *call, const Request *request, void *state);
} CallSteps;

/* Runs the request, or finds the operation that did it; returns the operation's id, palloc'd. */
extern pg_uuid_t *call_run(const Request *request, const CallSteps *steps, void *state);

/* The lock step of an operation that names its wallets: the request's two sides. */
extern void call_lock_sides(Call *call, const Request *request, void *state);
