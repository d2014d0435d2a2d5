/*
 * ledger.c
 *		The commits of a run and their entries.
 *
 * Ids are not those of a real ledger, but have their form: what reads them finds the entry again.
 */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler.h"

#define WAL_BEGIN	  0x1500000
#define WALL_EPOCH_US (1700000000LL * 1000000)

static Commit commits[COMMITS_MAX];
static Entry entries[ENTRIES_MAX];
static int commit_count;
static int entry_count;
static int versions[WALLETS];
static uint64_t wal_end;
static bool has_large;

void
ledger_begin(void)
{
	commit_count = entry_count = 0;
	wal_end = WAL_BEGIN;
	has_large = false;
	memset(versions, 0, sizeof(versions));
}

void
ledger_foreign_wal(void)
{
	wal_end += 8 * (1 + chance(1000));
}

static int
entries_draw(void)
{
	if (has_large || !once_in(1500))
		return (int) (once_in(3) ? 1 + chance(COMMIT_ENTRIES_MAX) : 2);
	has_large = true;
	return LARGE_ENTRIES;
}

void
ledger_commit(void)
{
	Commit *commit = &commits[commit_count];

	if (commit_count == COMMITS_MAX)
		return;
	ledger_foreign_wal();
	*commit = (Commit){
		.commit_lsn = wal_end,
		.end_lsn = wal_end + 48,
		.time_us = WALL_EPOCH_US + now_us(),
		.first = entry_count,
		.count = entries_draw(),
	};
	wal_end = commit->end_lsn;
	for (int i = 0; i < commit->count; i++)
	{
		int wallet = (int) chance(WALLETS);

		entries[entry_count++] = (Entry){wallet, versions[wallet]++, commit_count, (uint32_t) i};
	}
	trace("commit %d: %d entries, ends at %llX", commit_count, commit->count,
		  (unsigned long long) commit->end_lsn);
	commit_count++;
}

uint64_t
ledger_wal_end(void)
{
	return wal_end;
}

int
ledger_commit_count(void)
{
	return commit_count;
}

const Commit *
ledger_get_commit(int commit)
{
	return &commits[commit];
}

int
ledger_entry_count(void)
{
	return entry_count;
}

const Entry *
ledger_get_entry(int entry)
{
	return &entries[entry];
}

void
wallet_id_write(int wallet, char id[ID_BYTES])
{
	snprintf(id, ID_BYTES, "aaaaaaaa-0000-4000-8000-%012x", (unsigned) wallet);
}

void
event_id_write(const Entry *entry, char id[ID_BYTES])
{
	snprintf(id, ID_BYTES, "eeeeeeee-0000-5000-8000-%012x", (unsigned) (entry - entries));
}

size_t
event_json_write(const Entry *entry, char json[JSON_BYTES])
{
	char id[ID_BYTES];
	char wallet[ID_BYTES];

	event_id_write(entry, id);
	wallet_id_write(entry->wallet, wallet);
	return (
		size_t) snprintf(json, JSON_BYTES,
						 "{\"event_id\":\"%s\",\"transaction_id\":"
						 "\"cccccccc-0000-4000-8000-%012x\",\"wallet_id\":\"%s\",\"version\":%d}",
						 id, (unsigned) entry->commit, wallet, entry->version);
}

static int
number_read(const char *id, const char *begin, int bound)
{
	long number;

	if (strncmp(id, begin, strlen(begin)) != 0)
		return -1;
	number = strtol(id + 24, NULL, 16);
	return number < bound ? (int) number : -1;
}

int
ledger_find(const char *event_id)
{
	return number_read(event_id, "eeeeeeee-", entry_count);
}

bool
ledger_has_transaction(const char *id)
{
	return number_read(id, "cccccccc-", commit_count) >= 0;
}
