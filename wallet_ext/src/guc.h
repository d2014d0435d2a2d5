/*
 * guc.h
 *		Every setting of the extension; all are SUSET or SIGHUP, but for one to be read.
 */
#pragma once

#include "c.h"

#define MAX_METADATA_BYTES_MIN	   2
#define MAX_METADATA_BYTES_DEFAULT 8192
#define MAX_METADATA_BYTES_MAX	   (1024 * 1024)

#define MAX_BATCH_ITEMS_MIN		1
#define MAX_BATCH_ITEMS_DEFAULT 10000
#define MAX_BATCH_ITEMS_MAX		100000

#define ROW_HINTS_DEFAULT (128 * 1024)
#define ROW_HINTS_MAX	  (128 * 1024 * 1024)

#define GROUP_MEMORY_MIN	 1024
#define GROUP_MEMORY_DEFAULT 4096
#define GROUP_MEMORY_MAX	 (1024 * 1024)

/* wallet.max_metadata_bytes: largest octet_length(metadata::text) of a call. */
extern int guc_max_metadata_bytes;

/* wallet.max_batch_items: largest number of elements of an array argument. */
extern int guc_max_batch_items;

/* wallet.row_hints: of how many wallets the server remembers where their rows are; read when
 * the server starts. */
extern int guc_row_hints;

/* wallet.group_memory: kB of shared memory for what grouped transfers ask and are told; read when
 * the server starts. */
extern int guc_group_memory;

/* wallet.seal: wallets without a chain of seals begin one with their next entry. */
extern bool guc_seal;

/* wallet.replayed: whether the last call of the session was a replay; nobody can set it. */
extern bool guc_replayed;

#ifdef WALLET_TESTING
/* wallet.test_clock_offset: milliseconds that the clock of operations is ahead of the server's. */
extern int guc_test_clock_offset;
#endif

extern void guc_init(void);
