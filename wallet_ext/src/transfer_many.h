/*
 * transfer_many.h
 *		Many transfers in one transaction, each an operation of its own.
 *
 * Each is judged by what the earlier ones left. Not atomic, an item's own errors become its result.
 * Judging changes only memory, which is restored when an item fails; so no subtransaction is
 * needed. Anything else aborts the transaction.
 *
 * As a single transfer, many are tried without the locks first: the wallets are read, all items
 * judged, and each wallet is written once, or locked where nothing changed it, in id order. Where
 * somebody is in the way, all wallets are locked in id order and all items are judged again.
 *
 * Order of calls: transfer_many_open, transfer_many_write, transfer_many_close; then there are
 * results.
 */
#pragma once

#include "call.h"

/* What an item came to. */
typedef struct TransferResult
{
	pg_uuid_t transaction_id; /* where sqlstate says that it was done */
	int sqlstate;
	bool replayed;
	char *message; /* NULL: done */
	char *detail;  /* a JSON object; NULL: none */
	char *hint;	   /* NULL: none */
} TransferResult;

typedef struct TransferKeys TransferKeys;

typedef struct TransferMany
{
	/* Whose the transfers are says these, and finds itself by owner. */
	void *owner;
	int count;
	const pg_uuid_t **ids; /* of each item, from and to; NULL where it has none */
	text **keys;		   /* of each item; NULL: it has none */
	bool atomic;
	bool never_waits; /* for a key that is being taken */
	/* The item as a request, checked as far as no table is needed: raises what is wrong with it. */
	Request (*read)(struct TransferMany *many, int item);

	Call call;
	Wallet **sides; /* of each item, from and to; NULL for a NULL id */
	TransferKeys *known_keys;
	TransferResult *results;
	MemoryContext item_context; /* of what one item needs */
} TransferMany;

/* Reads the wallets, and then looks whose keys they are: as wallet_transfer does. A key that is
 * being taken is waited for before any lock; after a wait everything is looked at anew. */
extern void transfer_many_open(TransferMany *many);

/* Who would have to be waited for: of each item the transaction that is at one of its wallets or is
 * taking its key, invalid where there is none. Whether there is any. */
extern bool transfer_many_find_holders(TransferMany *many, TransactionId *holders);

/* Judges and writes. Raises an item's error where atomic, and what isn't an item's. */
extern void transfer_many_write(TransferMany *many);

extern void transfer_many_close(TransferMany *many);
