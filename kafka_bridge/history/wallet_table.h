/*
 * wallet_table.h
 *		A hash table from wallet id to one number. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event_reader.h"

typedef struct WalletEntry
{
	EventUuid wallet;
	int64_t value;
} WalletEntry;

/* Zero-initialised is empty. */
typedef struct WalletTable
{
	WalletEntry *entries; /* in order of arrival */
	uint32_t *slots;	  /* place in entries + 1; 0: free */
	size_t count;
	size_t capacity; /* of entries; slots are twice as many, a power of two */
} WalletTable;

/* Keyed anew by each process: nobody can choose ids that meet in one slot. */
uint64_t wallet_hash(const EventUuid *wallet);

/* The wallet's value, or NULL; valid until the next addition. */
int64_t *wallet_table_find(const WalletTable *table, const EventUuid *wallet);

/* Adds a wallet that is not in the table. False when out of memory. */
bool wallet_table_add(WalletTable *table, const EventUuid *wallet, int64_t value);

/* Empties it and keeps the memory. */
void wallet_table_clear(WalletTable *table);
void wallet_table_free(WalletTable *table);
