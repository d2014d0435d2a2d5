/*
 * version_cache.h
 *		What is known of each wallet's newest stored version, so that the database is asked once per
 *		wallet and not once per event. Pure.
 *
 * It holds while this process owns the wallet's partition, which the fence proves at every commit;
 * whoever loses a partition, a transaction or the connection clears it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wallet_table.h"

/*
 * Two generations: when the young one is full it becomes the old one, and what was old is dropped.
 */
typedef struct VersionCache
{
	WalletTable young;
	WalletTable old;
	size_t wallets_max; /* per generation, at least 1 */
} VersionCache;

/* False when nothing is known. A wallet without a stored event has -1. */
bool version_cache_get(VersionCache *cache, const EventUuid *wallet, int64_t *newest);

/* A put that finds no memory is forgotten: the cache only saves work. */
void version_cache_put(VersionCache *cache, const EventUuid *wallet, int64_t newest);

void version_cache_clear(VersionCache *cache);
void version_cache_free(VersionCache *cache);
