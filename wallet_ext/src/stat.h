/*
 * stat.h
 *		Numbers of what the operations do and wait for, in shared memory.
 *
 * They are counted where the library is preloaded, by database and function, whether a transaction
 * commits or not. A "wait" is one for another transaction; a "conflict" a single call, or a batch,
 * that found somebody at its wallets when it tried without the locks.
 *
 * Order of calls: stat_init once; stat_begin says whose the numbers are that follow.
 */
#pragma once

#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "c.h"

typedef enum StatCounter
{
	STAT_CALLS,
	STAT_REPLAYED,
	STAT_ITEMS,	  /* of batches, legs of posts */
	STAT_LARGEST, /* of those of one call */
	STAT_CONFLICTS,
	STAT_WAITS, /* for a wallet */
	STAT_WAITED,
	STAT_KEY_WAITS, /* for a key that is being taken */
	STAT_KEY_WAITED,
	STAT_COUNTERS,
} StatCounter;

/* A wallet that was waited for. */
typedef struct StatWallet
{
	Oid database; /* InvalidOid: none */
	pg_uuid_t id;
	int64 waits;
	int64 waited; /* microseconds */
} StatWallet;

/* So many wallets are remembered, those that were waited for most often. */
#define STAT_WALLETS 128

extern void stat_init(void);

/* A call of the function, as "wallet_fund()", begins. */
extern void stat_begin(const char *function);

extern void stat_add(StatCounter counter, int64 count);

/* A call of so many items. */
extern void stat_add_items(int64 items);

/* Whether anything is counted; else a wait need not be noticed. */
extern bool stat_is_on(void);

/* Begins a wait that counter counts; returns when. The counter behind it takes how long. */
extern TimestampTz stat_wait_begin(StatCounter counter);

/* wallet_id NULL: for a key. */
extern void stat_wait_end(StatCounter counter, TimestampTz begun, const pg_uuid_t *wallet_id);
