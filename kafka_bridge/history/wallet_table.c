/*
 * wallet_table.c
 *		Open addressing over an array of entries: a walk over all of them is a walk over the array.
 */
#include "wallet_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WALLETS_INITIAL 256

static uint64_t key[2];

static void
key_make(void)
{
	/* Without it the hash still mixes well. */
	if (getrandom(key, sizeof(key), 0) != (ssize_t) sizeof(key))
		memset(key, 0, sizeof(key));
}

/* The end of MurmurHash3: every bit that goes in changes half of those that come out. */
static uint64_t
bits_mix(uint64_t bits)
{
	bits = (bits ^ bits >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
	bits = (bits ^ bits >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
	return bits ^ bits >> 33;
}

uint64_t
wallet_hash(const EventUuid *wallet)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t half[2];

	pthread_once(&once, key_make);
	memcpy(half, wallet->bytes, sizeof(half));
	return bits_mix(bits_mix(half[0] ^ key[0]) ^ half[1] ^ key[1]);
}

/* The slot where the wallet is or belongs; the table has slots. */
static size_t
slot_find(const WalletTable *table, const EventUuid *wallet)
{
	size_t mask = table->capacity * 2 - 1;
	size_t slot = (size_t) wallet_hash(wallet) & mask;

	while (table->slots[slot] != 0 &&
		   memcmp(&table->entries[table->slots[slot] - 1].wallet, wallet, sizeof(*wallet)) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

int64_t *
wallet_table_find(const WalletTable *table, const EventUuid *wallet)
{
	if (table->count == 0)
		return NULL;

	uint32_t place = table->slots[slot_find(table, wallet)];

	return place == 0 ? NULL : &table->entries[place - 1].value;
}

static bool
table_grow(WalletTable *table)
{
	size_t capacity = table->capacity == 0 ? WALLETS_INITIAL : table->capacity * 2;
	uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
	WalletEntry *entries = realloc(table->entries, capacity * sizeof(*entries));

	if (entries != NULL)
		table->entries = entries;
	if (entries == NULL || slots == NULL)
	{
		free(slots);
		return false;
	}
	free(table->slots);
	table->slots = slots;
	table->capacity = capacity;
	for (size_t i = 0; i < table->count; i++)
		table->slots[slot_find(table, &entries[i].wallet)] = (uint32_t) i + 1;
	return true;
}

bool
wallet_table_add(WalletTable *table, const EventUuid *wallet, int64_t value)
{
	if (table->count == table->capacity && !table_grow(table))
		return false;
	table->entries[table->count] = (WalletEntry){*wallet, value};
	table->slots[slot_find(table, wallet)] = (uint32_t) ++table->count;
	return true;
}

void
wallet_table_clear(WalletTable *table)
{
	if (table->count > 0)
		memset(table->slots, 0, table->capacity * 2 * sizeof(*table->slots));
	table->count = 0;
}

void
wallet_table_free(WalletTable *table)
{
	free(table->entries);
	free(table->slots);
	*table = (WalletTable){.entries = NULL};
}
