/*
 * test_version_cache.c
 *		The table of wallets and the bounded cache over it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/version_cache.h"

#define WALLETS 5000

static EventUuid
wallet_of(uint32_t number)
{
	EventUuid wallet = {{0}};

	memcpy(wallet.bytes + 10, &number, sizeof(number));
	return wallet;
}

static void
test_table_finds_what_was_added(void **state)
{
	WalletTable table = {.count = 0};

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		for (uint32_t i = 0; i < WALLETS; i++)
		{
			EventUuid wallet = wallet_of(i);

			assert_null(wallet_table_find(&table, &wallet));
			assert_true(wallet_table_add(&table, &wallet, (int64_t) i - 1));
		}
		for (uint32_t i = 0; i < WALLETS; i++)
		{
			EventUuid wallet = wallet_of(i);

			assert_non_null(wallet_table_find(&table, &wallet));
			assert_true(*wallet_table_find(&table, &wallet) == (int64_t) i - 1);
			assert_memory_equal(&table.entries[i].wallet, &wallet, sizeof(wallet));
		}
		assert_int_equal(table.count, WALLETS);
		wallet_table_clear(&table);
	}
	wallet_table_free(&table);
}

/* Ids that differ in few bits, wherever those are, are spread as random ones would be. */
static void
test_similar_ids_are_spread(void **state)
{
	static unsigned char used[131072];

	(void) state;
	for (size_t at = 0; at + sizeof(uint32_t) <= sizeof(EventUuid); at++)
	{
		size_t slots = 0;

		memset(used, 0, sizeof(used));
		for (uint32_t i = 0; i < 65536; i++)
		{
			EventUuid wallet = {{0}};
			/* A counter is written big-endian. */
			const unsigned char bytes[] = {0, 0, (unsigned char) (i >> 8), (unsigned char) i};

			memcpy(wallet.bytes + at, bytes, sizeof(bytes));

			unsigned char *slot = &used[wallet_hash(&wallet) % sizeof(used)];

			slots += *slot == 0 ? 1 : 0;
			*slot = 1;
		}
		/* 51,572 are to be expected. */
		assert_true(slots > 50000);
	}
}

static void
test_cache_returns_the_latest(void **state)
{
	VersionCache cache = {.wallets_max = 8};
	EventUuid wallet = wallet_of(1);
	int64_t newest = 0;

	(void) state;
	assert_false(version_cache_get(&cache, &wallet, &newest));
	version_cache_put(&cache, &wallet, -1);
	version_cache_put(&cache, &wallet, 41);
	assert_true(version_cache_get(&cache, &wallet, &newest));
	assert_true(newest == 41);
	version_cache_clear(&cache);
	assert_false(version_cache_get(&cache, &wallet, &newest));
	version_cache_free(&cache);
}

/* A stale value must never come back: what the young generation says wins. */
static void
test_cache_is_bounded_and_never_stale(void **state)
{
	VersionCache cache = {.wallets_max = 16};
	int64_t truth[64] = {0};
	uint64_t random = 3;

	(void) state;
	for (int i = 0; i < 20000; i++)
	{
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

		uint32_t number = (uint32_t) (random >> 40) % 64;
		EventUuid wallet = wallet_of(number);
		int64_t newest = 0;

		if (version_cache_get(&cache, &wallet, &newest))
			assert_true(newest == truth[number]);
		truth[number]++;
		version_cache_put(&cache, &wallet, truth[number]);
		assert_true(cache.young.count <= 16 && cache.old.count <= 16);
	}
	version_cache_free(&cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_finds_what_was_added),
		cmocka_unit_test(test_similar_ids_are_spread),
		cmocka_unit_test(test_cache_returns_the_latest),
		cmocka_unit_test(test_cache_is_bounded_and_never_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
