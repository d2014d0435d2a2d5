/*
 * transfer_many.c
 *		Many transfers in one transaction, each an operation of its own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "clock.h"
#include "errors.h"
#include "transfer_many.h"

/* The key of one or more items. */
typedef struct KnownKey
{
	bool is_taken; /* by an earlier call */
	int row;	   /* of this call that has it; -1: none yet */
} KnownKey;

struct TransferKeys
{
	KeyPlace *places; /* sorted */
	int place_count;
	KnownKey *known;
	KnownKey **of_items; /* NULL: it has none */
};

/* The keys in byte order, and for each item the first one with its key. */
static TransferKeys *
keys_sort(const TransferMany *many)
{
	TransferKeys *keys = palloc0(sizeof(TransferKeys));

	keys->places = palloc_extended(sizeof(KeyPlace) * Max(many->count, 1), MCXT_ALLOC_HUGE);
	keys->of_items = palloc_extended(sizeof(KnownKey *) * Max(many->count, 1),
									 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < many->count; i++)
	{
		const text *key = many->keys[i];

		if (key != NULL)
			keys->places[keys->place_count++] = idempotency_place(key, i);
	}
	idempotency_sort(keys->places, keys->place_count);
	keys->known = palloc_extended(sizeof(KnownKey) * Max(keys->place_count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0, known = -1; i < keys->place_count; i++)
	{
		if (i == 0 || !idempotency_same_key(&keys->places[i - 1], &keys->places[i]))
			known++;
		keys->of_items[keys->places[i].position] = &keys->known[known];
	}
	return keys;
}

/* Which keys are taken by earlier calls; whether any had to be waited for. */
static bool
keys_look_up(TransferMany *many, bool wait)
{
	TransferKeys *keys = many->known_keys;
	bool waited = keys->place_count > 0 && idempotency_look_up_all(&many->call.ledger, keys->places,
																   keys->place_count, wait);

	for (int i = 0; i < keys->place_count; i++)
		*keys->of_items[keys->places[i].position] =
			(KnownKey){.is_taken = keys->places[i].is_taken, .row = -1};
	return waited;
}

void
transfer_many_open(TransferMany *many)
{
	many->sides = palloc_extended(sizeof(Wallet *) * 2 * Max(many->count, 1), MCXT_ALLOC_HUGE);
	many->known_keys = keys_sort(many);
	many->results = palloc_extended(sizeof(TransferResult) * Max(many->count, 1),
									MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
	call_begin(&many->call);
	for (;;)
	{
		call_open_wallets(&many->call, many->ids, 2 * many->count, many->sides);
		wallet_set_find(&many->call.wallets);
		if (!keys_look_up(many, !many->never_waits))
			break;
		call_restart(&many->call);
	}
	journal_reserve(&many->call.journal, many->count);
	many->item_context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet transfer item", ALLOCSET_DEFAULT_SIZES);
}

bool
transfer_many_find_holders(TransferMany *many, TransactionId *holders)
{
	WalletSet *set = &many->call.wallets;
	const TransferKeys *keys = many->known_keys;
	TransactionId *of_wallets = palloc0(sizeof(TransactionId) * Max(set->count, 1));
	bool found = false;

	for (int i = 0; i < set->count; i++)
		if (set->wallets[i].found)
			of_wallets[i] = wallet_holder(&set->scan, &set->wallets[i]);
	for (int i = 0; i < many->count; i++)
	{
		holders[i] = of_wallets[many->sides[2 * i] - set->wallets];
		if (!TransactionIdIsValid(holders[i]))
			holders[i] = of_wallets[many->sides[2 * i + 1] - set->wallets];
	}
	for (int i = 0; i < keys->place_count; i++)
		if (TransactionIdIsValid(keys->places[i].taker))
			holders[keys->places[i].position] = keys->places[i].taker;
	for (int i = 0; i < many->count; i++)
		found |= TransactionIdIsValid(holders[i]);
	pfree(of_wallets);
	return found;
}

/* Whether an earlier item or call has done the request; its id is then the result's. */
static bool
item_find_key(TransferMany *many, int item, const Request *request, const LedgerRow *stored,
			  TransferResult *result)
{
	const KnownKey *key = many->known_keys->of_items[item];
	const LedgerRow *owner = stored;

	if (key != NULL && key->row >= 0)
		owner = &many->call.journal.rows[key->row];
	if (owner == NULL)
		return false;
	idempotency_compare(owner, request);
	result->transaction_id = owner->transaction_id;
	result->replayed = true;
	return true;
}

/*
 * Judges the item and says what is to be written. stored: who had its key before this call,
 * or NULL.
 */
static void
item_transfer(TransferMany *many, int item, const LedgerRow *stored, TransferResult *result)
{
	Call *call = &many->call;
	Request request = many->read(many, item);

	if (item_find_key(many, item, &request, stored, result))
		return;

	Wallet **sides = &many->sides[2 * item];
	const Parties parties = {.first = sides[0], .second = sides[1]};

	fault_raise(fault_of_parties(&parties, &request));
	call_release_expired(call, sides[0]);
	fault_raise(fault_of_debit(sides[0], request.amount.value));
	fault_raise(fault_of_credit(sides[1], request.amount.value));
	journal_begin(&call->journal, &request, call->now, sides, 2);
	journal_append(&call->journal, request.kind, sides[0], sides[1], request.amount.value);
	result->transaction_id = call->journal.transaction_id;
	if (many->known_keys->of_items[item] != NULL)
		many->known_keys->of_items[item]->row = call->journal.count - 1;
}

/* What an item may change before it is refused. */
typedef struct ItemState
{
	int rows;
	int changed_holds;
	int expiries;
	Wallet *from;
	WalletState next;
	bool expired_released;
} ItemState;

static ItemState
item_state_save(TransferMany *many, int item)
{
	Call *call = &many->call;
	ItemState state = {
		.rows = call->journal.count,
		.changed_holds = list_length(call->changed_holds),
		.expiries = call->expiries,
		.from = many->sides[2 * item],
	};

	if (state.from != NULL)
	{
		state.next = state.from->next;
		state.expired_released = state.from->expired_released;
	}
	return state;
}

static void
item_state_restore(TransferMany *many, const ItemState *state)
{
	Call *call = &many->call;

	journal_truncate(&call->journal, state->rows);
	call->changed_holds = list_truncate(call->changed_holds, state->changed_holds);
	call->expiries = state->expiries;
	if (state->from == NULL)
		return;
	state->from->next = state->next;
	state->from->expired_released = state->expired_released;
}

/* Class 22 or WL: about the item, not about the call. */
static bool
is_error_of_item(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TO_CATEGORY(ERRCODE_WALLET_NOT_FOUND);
}

/* The error that was caught, as the item's result. */
static void
item_keep_error(TransferMany *many, TransferResult *result)
{
	MemoryContextSwitchTo(many->call.context);

	ErrorData *error = CopyErrorData();

	FlushErrorState();
	result->sqlstate = error->sqlerrcode;
	result->message = pstrdup(error->message);
	if (error->detail != NULL && error->detail[0] == '{')
		result->detail = pstrdup(error->detail);
	if (error->hint != NULL)
		result->hint = pstrdup(error->hint);
	FreeErrorData(error);
}

/* The same, with the item's own error as its result. What is called here holds no buffer, lock or
 * reference when it raises one. */
static void
item_try_transfer(TransferMany *many, int item, const LedgerRow *stored, TransferResult *result)
{
	const ItemState state = item_state_save(many, item);

	PG_TRY();
	{
		item_transfer(many, item, stored, result);
	}
	PG_CATCH();
	{
		if (!is_error_of_item(geterrcode()))
			PG_RE_THROW();
		item_keep_error(many, result);
		item_state_restore(many, &state);
	}
	PG_END_TRY();
}

static void
item_judge(TransferMany *many, int item)
{
	const KnownKey *key = many->known_keys->of_items[item];
	const LedgerRow *stored = NULL;
	LedgerRow owner;

	if (key != NULL && key->is_taken &&
		idempotency_look_up(&many->call.ledger, many->keys[item], many->call.snapshot, &owner) ==
			KEY_TAKEN)
		stored = &owner;
	if (!many->atomic)
		item_try_transfer(many, item, stored, &many->results[item]);
	else
	{
		error_set_index(item + 1);
		item_transfer(many, item, stored, &many->results[item]);
		error_set_index(0);
	}
}

/* Each in memory that the next one takes over: what lasts goes into the call's own. */
static void
transfer_many_judge(TransferMany *many)
{
	for (int i = 0; i < many->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(many->item_context);
		MemoryContextSwitchTo(many->item_context);
		item_judge(many, i);
		MemoryContextSwitchTo(many->call.context);
	}
}

/* What touches held money is locked, since holds may expire. */
static bool
transfer_many_may_try(const TransferMany *many)
{
	const WalletSet *set = &many->call.wallets;

	if (!set->scan.description->is_direct)
		return false;
	for (int i = 0; i < set->count; i++)
		if (set->wallets[i].found && set->wallets[i].state.held != 0)
			return false;
	return true;
}

/* Judges all items by what the wallets were found to be; false where that raises the error of an
 * item, which counts only under the locks. */
static bool
transfer_many_judge_found(TransferMany *many)
{
	volatile bool is_judged = true;

	many->call.now = clock_read();
	PG_TRY();
	{
		transfer_many_judge(many);
	}
	PG_CATCH();
	{
		if (!is_error_of_item(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(many->call.context);
		FlushErrorState();
		error_set_index(0);
		is_judged = false;
	}
	PG_END_TRY();
	return is_judged;
}

/* What was judged without the locks is forgotten; who had them before may have done requests. */
static void
transfer_many_lock(TransferMany *many)
{
	call_lock(&many->call);
	journal_truncate(&many->call.journal, 0);
	memset(many->results, 0, sizeof(TransferResult) * many->count);
	if (keys_look_up(many, true))
		many->call.now = clock_read();
}

void
transfer_many_write(TransferMany *many)
{
	if (!transfer_many_may_try(many) || !transfer_many_judge_found(many) ||
		!call_try_write(&many->call))
	{
		transfer_many_lock(many);
		transfer_many_judge(many);
	}
	many->call.journal.request = NULL;
	call_write(&many->call);
}

void
transfer_many_close(TransferMany *many)
{
	call_end(&many->call);
}
