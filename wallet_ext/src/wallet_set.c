/*
 * wallet_set.c
 *		The wallets of one call: each once, in ascending id order.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "wallet_set.h"

static int
compare_ids(const void *left, const void *right)
{
	return wallet_compare_id(&((const Wallet *) left)->id, &((const Wallet *) right)->id);
}

void
wallet_set_begin(WalletSet *set, Snapshot snapshot, const pg_uuid_t *const *ids, int count)
{
	memset(set, 0, sizeof(*set));
	set->wallets = count <= WALLET_SET_SMALL
					   ? set->small
					   : palloc_extended(sizeof(Wallet) * count, MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		set->wallets[i].id = *ids[i];
	qsort(set->wallets, count, sizeof(Wallet), compare_ids);
	for (int i = 0; i < count; i++)
		if (i == 0 || compare_ids(&set->wallets[i], &set->wallets[set->count - 1]) != 0)
			set->wallets[set->count++].id = set->wallets[i].id;
	wallet_scan_begin(&set->scan, snapshot);
}

void
wallet_set_end(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
		wallet_drop_slot(&set->wallets[i]);
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
		wallet_find(&set->scan, &set->wallets[i].id, &set->wallets[i]);
}

static bool
wallet_is_changed(const Wallet *wallet)
{
	return wallet->found && wallet->next.version != wallet->state.version;
}

bool
wallet_set_try_write(WalletSet *set)
{
	for (int i = 0; i < set->count; i++)
		if (wallet_is_changed(&set->wallets[i]) && !wallet_try_update(&set->scan, &set->wallets[i]))
			return false;
	return true;
}

void
wallet_set_lock(WalletSet *set)
{
	set->wrote_early = set->count > 0 && set->wallets[0].written;
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
			wallet_keep(wallet);
		}
		wallet->next = wallet->state;
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
		CHECK_FOR_INTERRUPTS();
		if (wallet_is_changed(&set->wallets[i]) && !set->wallets[i].written)
			wallet_update_locked(&set->scan, &set->wallets[i], changed);
	}
}
