/*
 * wallet_set.c
 *		The wallets of one call: each once, in ascending id order.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "wallet_set.h"

/* An id that was asked for, and where. */
typedef struct Place
{
	WalletOrder order;
	int position;
} Place;

static int
compare_places(const void *left, const void *right)
{
	return wallet_compare_order(&((const Place *) left)->order, &((const Place *) right)->order);
}

static int
compare_ids(const void *left, const void *right)
{
	return wallet_compare_id(&((const Wallet *) left)->id, &((const Wallet *) right)->id);
}

/* Those that aren't NULL, in id order. */
static Place *
sort_places(const pg_uuid_t *const *ids, int count, int *place_count)
{
	Place *places = palloc_extended(sizeof(Place) * count, MCXT_ALLOC_HUGE);

	*place_count = 0;
	for (int i = 0; i < count; i++)
	{
		if (ids[i] == NULL)
			continue;
		places[(*place_count)++] = (Place){.order = wallet_order(ids[i]), .position = i};
	}
	qsort(places, *place_count, sizeof(Place), compare_places);
	return places;
}

static int
count_distinct(const Place *places, int count)
{
	int distinct = 0;

	for (int i = 0; i < count; i++)
		if (i == 0 || compare_places(&places[i - 1], &places[i]) != 0)
			distinct++;
	return distinct;
}

void
wallet_set_begin(WalletSet *set, Snapshot snapshot, const pg_uuid_t *const *ids, int count,
				 Wallet **wallets)
{
	int place_count = 0;
	Place *places = sort_places(ids, count, &place_count);
	int distinct = count_distinct(places, place_count);

	memset(set, 0, sizeof(*set));
	set->wallets =
		distinct <= WALLET_SET_SMALL
			? set->small
			: palloc_extended(sizeof(Wallet) * distinct, MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
	if (wallets != NULL)
		memset(wallets, 0, sizeof(Wallet *) * count);
	for (int i = 0; i < place_count; i++)
	{
		if (i == 0 || compare_places(&places[i - 1], &places[i]) != 0)
			set->wallets[set->count++].id = *ids[places[i].position];
		if (wallets != NULL)
			wallets[places[i].position] = &set->wallets[set->count - 1];
	}
	pfree(places);
	wallet_scan_begin(&set->scan, snapshot, distinct > WALLET_SET_SMALL);
}

void
wallet_set_end(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
		wallet_drop_slot(&set->scan, &set->wallets[i]);
	wallet_scan_end(&set->scan);
}

Wallet *
wallet_set_get(WalletSet *set, const pg_uuid_t *id)
{
	if (id == NULL)
		return NULL;

	const Wallet sought = {.id = *id};
	Wallet *wallet = bsearch(&sought, set->wallets, set->count, sizeof(Wallet), compare_ids);

	Assert(wallet != NULL);
	return wallet;
}

void
wallet_set_find(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
	{
		Wallet *wallet = &set->wallets[i];

		CHECK_FOR_INTERRUPTS();
		wallet_find(&set->scan, &wallet->id, wallet);
		if (set->scan.is_of_many)
			wallet_keep(&set->scan, wallet);
	}
	wallet_scan_rest(&set->scan);
}

static bool
wallet_is_changed(const Wallet *wallet)
{
	return wallet->found && wallet->next.version != wallet->state.version;
}

/* A look is cheap, and many wallets are not to be written in vain for one that others are at. */
static bool
wallet_set_seems_free(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (set->wallets[i].found && !wallet_seems_free(&set->scan, &set->wallets[i]))
			return false;
	}
	return true;
}

bool
wallet_set_try_write(WalletSet *set)
{
	if (set->scan.is_of_many && !wallet_set_seems_free(set))
		return false;
	for (int i = 0; i < set->count; i++)
	{
		Wallet *wallet = &set->wallets[i];

		CHECK_FOR_INTERRUPTS();
		if (wallet->found && !(wallet_is_changed(wallet) ? wallet_try_update(&set->scan, wallet)
														 : wallet_try_lock(&set->scan, wallet)))
			return false;
	}
	wallet_scan_rest(&set->scan);
	return true;
}

void
wallet_set_lock(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
		set->wrote_early |= set->wallets[i].written;
	/* What was written without waiting is to be written again, by a later command. */
	if (set->wrote_early)
		CommandCounterIncrement();
	for (int i = 0; i < set->count; i++)
	{
		Wallet *wallet = &set->wallets[i];

		CHECK_FOR_INTERRUPTS();
		if (!wallet->written)
		{
			if (!wallet->found)
				wallet_find(&set->scan, &wallet->id, wallet);
			if (wallet->found)
				wallet_row_lock(&set->scan, wallet, set->count <= WALLET_SET_SMALL);
			wallet_keep(&set->scan, wallet);
		}
		wallet->next = wallet->state;
		wallet->wrote_early = wallet->written;
		wallet->written = false;
	}
}

void
wallet_set_write(WalletSet *set)
{
	ColumnSet changed = 0;

	for (int i = 0; i < set->count; i++)
		if (wallet_is_changed(&set->wallets[i]))
			changed |= wallet_changed_columns(&set->wallets[i]);
	for (int i = 0; i < set->count; i++)
	{
		Wallet *wallet = &set->wallets[i];

		CHECK_FOR_INTERRUPTS();
		/* What was written early is not to stay, whether it was right or not. */
		if (!wallet->written && (wallet_is_changed(wallet) || wallet->wrote_early))
			wallet_update_locked(&set->scan, wallet, changed);
	}
}
