/*
 * ledger.h
 *		The commits of a run and their entries: the truth that the topic is compared with.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALLETS			   5
#define COMMITS_MAX		   128
#define COMMIT_ENTRIES_MAX 6
#define LARGE_ENTRIES	   1050 /* more than the bridge holds back until COMMIT */
#define ENTRIES_MAX		   (COMMITS_MAX * COMMIT_ENTRIES_MAX + LARGE_ENTRIES)
#define ID_BYTES		   37
#define JSON_BYTES		   256

typedef struct Entry
{
	int wallet;
	int version;
	int commit;
	uint32_t ordinal;
} Entry;

typedef struct Commit
{
	uint64_t commit_lsn;
	uint64_t end_lsn;
	int64_t time_us;
	int first; /* of its entries */
	int count;
} Commit;

void ledger_begin(void);

/* A transaction of one to COMMIT_ENTRIES_MAX entries; seldom, and once, of LARGE_ENTRIES. */
void ledger_commit(void);

/* WAL of other tables. */
void ledger_foreign_wal(void);

uint64_t ledger_wal_end(void);
int ledger_commit_count(void);
const Commit *ledger_get_commit(int commit);
int ledger_entry_count(void);
const Entry *ledger_get_entry(int entry);

/* The entry with this id; -1: there is none. */
int ledger_find(const char *event_id);

/* Whether the text is the id of a transaction that committed. */
bool ledger_has_transaction(const char *id);

void wallet_id_write(int wallet, char id[ID_BYTES]);
void event_id_write(const Entry *entry, char id[ID_BYTES]);
size_t event_json_write(const Entry *entry, char json[JSON_BYTES]);
