/*
 * stat.c
 *		Numbers of what the operations do and wait for, in shared memory.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "stat.h"

PG_FUNCTION_INFO_V1(wallet_stat_rows);
PG_FUNCTION_INFO_V1(wallet_stat_wallets_rows);
PG_FUNCTION_INFO_V1(wallet_stat_reset);

/* More databases than that are not counted. */
#define DATABASES 64

static const char *const functions[] = {
	"wallet_create",		"wallet_fund",			 "wallet_withdraw",
	"wallet_transfer",		"wallet_transfer_batch", "wallet_transfer_grouped",
	"wallet_post",			"wallet_hold",			 "wallet_capture",
	"wallet_release",		"wallet_expire_holds",	 "wallet_reverse",
	"wallet_reverse_force", "wallet_freeze",		 "wallet_unfreeze",
	"wallet_close",			"wallet_set_limits",	 "wallet_set_currency",
	"wallet_lock",
};

/* One database. Each function has cache lines of its own. */
typedef struct Numbers
{
	pg_atomic_uint32 database; /* InvalidOid: free */
	pg_attribute_aligned(128) struct
	{
		pg_atomic_uint64 counters[STAT_COUNTERS];
	} of_functions[lengthof(functions)];
} Numbers;

typedef struct Shared
{
	LWLock lock; /* of the wallets */
	StatWallet wallets[STAT_WALLETS];
	Numbers numbers[DATABASES];
} Shared;

static Shared *shared = NULL;

/* Of this process: its database's; NULL: none yet, or there was no more room. */
static Numbers *mine = NULL;
static bool looked_for_mine = false;

/* The function whose call began last, by its name's pointer too, which a process passes again. */
static int current = -1;
static const char *current_name = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static Size
shared_bytes(void)
{
	return sizeof(Shared) + PG_CACHE_LINE_SIZE;
}

static void
stat_request(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(shared_bytes());
}

static void
numbers_clear(Numbers *numbers)
{
	for (int i = 0; i < lengthof(functions); i++)
		for (int j = 0; j < STAT_COUNTERS; j++)
			pg_atomic_write_u64(&numbers->of_functions[i].counters[j], 0);
}

static void
stat_startup(void)
{
	bool found = false;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	shared = (Shared *) CACHELINEALIGN(ShmemInitStruct("wallet stat", shared_bytes(), &found));
	if (found)
		return;
	memset(shared, 0, sizeof(Shared));
	LWLockInitialize(&shared->lock, LWLockNewTrancheId());
	for (int i = 0; i < DATABASES; i++)
	{
		Numbers *numbers = &shared->numbers[i];

		pg_atomic_init_u32(&numbers->database, InvalidOid);
		for (int j = 0; j < lengthof(functions); j++)
			for (int k = 0; k < STAT_COUNTERS; k++)
				pg_atomic_init_u64(&numbers->of_functions[j].counters[k], 0);
	}
}

void
stat_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = stat_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = stat_startup;
}

bool
stat_is_on(void)
{
	return shared != NULL;
}

/* Whether the numbers are, or are now, this database's. */
static bool
numbers_claim(Numbers *numbers)
{
	uint32 database = InvalidOid;

	return pg_atomic_compare_exchange_u32(&numbers->database, &database, MyDatabaseId) ||
		   database == MyDatabaseId;
}

static Numbers *
numbers_mine(void)
{
	for (int i = 0; shared != NULL && !looked_for_mine && mine == NULL && i < DATABASES; i++)
		if (numbers_claim(&shared->numbers[i]))
			mine = &shared->numbers[i];
	looked_for_mine = true;
	return mine;
}

static int
function_find(const char *name)
{
	for (int i = 0; i < lengthof(functions); i++)
	{
		Size length = strlen(functions[i]);

		if (strncmp(functions[i], name, length) == 0 && name[length] == '(')
			return i;
	}
	return -1;
}

static pg_atomic_uint64 *
counter_of_current(StatCounter counter)
{
	Numbers *numbers = current < 0 ? NULL : numbers_mine();

	return numbers == NULL ? NULL : &numbers->of_functions[current].counters[counter];
}

void
stat_add(StatCounter counter, int64 count)
{
	pg_atomic_uint64 *number = counter_of_current(counter);

	if (number != NULL)
		pg_atomic_fetch_add_u64(number, count);
}

void
stat_begin(const char *function)
{
	if (function != current_name)
		current = function_find(function);
	current_name = function;
	stat_add(STAT_CALLS, 1);
}

void
stat_add_items(int64 items)
{
	pg_atomic_uint64 *largest = counter_of_current(STAT_LARGEST);

	stat_add(STAT_ITEMS, items);
	if (largest == NULL)
		return;

	uint64 before = pg_atomic_read_u64(largest);

	while (before < (uint64) items &&
		   !pg_atomic_compare_exchange_u64(largest, &before, (uint64) items))
		;
}

TimestampTz
stat_wait_begin(StatCounter counter)
{
	stat_add(counter, 1);
	return GetCurrentTimestamp();
}

/* The wallet's place, else that of the one that was waited for least; the lock is held. */
static StatWallet *
wallet_place(const pg_uuid_t *id)
{
	StatWallet *least = &shared->wallets[0];

	for (int i = 0; i < STAT_WALLETS; i++)
	{
		StatWallet *wallet = &shared->wallets[i];

		if (wallet->database == MyDatabaseId && memcmp(&wallet->id, id, sizeof(*id)) == 0)
			return wallet;
		if (wallet->waits < least->waits)
			least = wallet;
	}
	return least;
}

/* Whoever comes new takes over the waits of who has to go: else those that come later, one after
 * the other, would never stay. */
static void
wallet_count(const pg_uuid_t *id, int64 waited)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);

	StatWallet *wallet = wallet_place(id);

	if (wallet->database != MyDatabaseId || memcmp(&wallet->id, id, sizeof(*id)) != 0)
	{
		wallet->database = MyDatabaseId;
		wallet->id = *id;
		wallet->waited = 0;
	}
	wallet->waits++;
	wallet->waited += waited;
	LWLockRelease(&shared->lock);
}

void
stat_wait_end(StatCounter counter, TimestampTz begun, const pg_uuid_t *wallet_id)
{
	int64 waited = GetCurrentTimestamp() - begun;

	stat_add(counter + 1, waited);
	if (wallet_id != NULL && shared != NULL)
		wallet_count(wallet_id, waited);
}

static Datum
milliseconds(int64 microseconds)
{
	return Float8GetDatum((double) microseconds / 1000);
}

static void
function_return(Numbers *numbers, int function, ReturnSetInfo *result)
{
	Datum values[STAT_COUNTERS + 1] = {CStringGetTextDatum(functions[function])};
	bool nulls[STAT_COUNTERS + 1] = {false};
	int64 sum = 0;

	for (int i = 0; i < STAT_COUNTERS; i++)
	{
		int64 count = (int64) pg_atomic_read_u64(&numbers->of_functions[function].counters[i]);

		sum += count;
		values[i + 1] =
			i == STAT_WAITED || i == STAT_KEY_WAITED ? milliseconds(count) : Int64GetDatum(count);
	}
	if (sum > 0)
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* wallet_stat_rows(): of this database, the functions that were called. */
Datum
wallet_stat_rows(PG_FUNCTION_ARGS)
{
	Numbers *numbers = numbers_mine();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; numbers != NULL && i < lengthof(functions); i++)
		function_return(numbers, i, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

/* wallet_stat_wallets_rows(): the wallets of this database that were waited for. */
Datum
wallet_stat_wallets_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	StatWallet *wallets = palloc(sizeof(StatWallet) * STAT_WALLETS);

	InitMaterializedSRF(fcinfo, 0);
	if (shared == NULL)
		return (Datum) 0;
	LWLockAcquire(&shared->lock, LW_SHARED);
	memcpy(wallets, shared->wallets, sizeof(StatWallet) * STAT_WALLETS);
	LWLockRelease(&shared->lock);
	for (int i = 0; i < STAT_WALLETS; i++)
	{
		const StatWallet *wallet = &wallets[i];
		Datum values[] = {
			UUIDPGetDatum(&wallet->id),
			Int64GetDatum(wallet->waits),
			milliseconds(wallet->waited),
		};
		bool nulls[lengthof(values)] = {false};

		if (wallet->database == MyDatabaseId)
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* wallet_stat_reset(): all numbers of this database begin again with 0. */
Datum
wallet_stat_reset(PG_FUNCTION_ARGS)
{
	Numbers *numbers = numbers_mine();

	if (numbers != NULL)
		numbers_clear(numbers);
	if (shared == NULL)
		PG_RETURN_VOID();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < STAT_WALLETS; i++)
		if (shared->wallets[i].database == MyDatabaseId)
			shared->wallets[i] = (StatWallet){.database = InvalidOid};
	LWLockRelease(&shared->lock);
	PG_RETURN_VOID();
}
