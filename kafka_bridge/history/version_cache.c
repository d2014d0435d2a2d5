/*
 * version_cache.c
 *		Bounded by dropping a whole generation: a wallet in use is moved to the young one in time.
 */
#include "version_cache.h"

bool
version_cache_get(VersionCache *cache, const EventUuid *wallet, int64_t *newest)
{
	const int64_t *found = wallet_table_find(&cache->young, wallet);

	if (found == NULL)
		found = wallet_table_find(&cache->old, wallet);
	if (found == NULL)
		return false;
	*newest = *found;
	return true;
}

void
version_cache_put(VersionCache *cache, const EventUuid *wallet, int64_t newest)
{
	int64_t *found = wallet_table_find(&cache->young, wallet);

	if (found != NULL)
	{
		*found = newest;
		return;
	}
	if (cache->young.count >= cache->wallets_max)
	{
		WalletTable emptied = cache->old;

		wallet_table_clear(&emptied);
		cache->old = cache->young;
		cache->young = emptied;
	}
	if (!wallet_table_add(&cache->young, wallet, newest))
		version_cache_clear(cache);
}

void
version_cache_clear(VersionCache *cache)
{
	wallet_table_clear(&cache->young);
	wallet_table_clear(&cache->old);
}

void
version_cache_free(VersionCache *cache)
{
	wallet_table_free(&cache->young);
	wallet_table_free(&cache->old);
}
