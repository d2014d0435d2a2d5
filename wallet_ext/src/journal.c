/*
 * journal.c
 *		The ledger rows a call is going to append, and what they do to its wallets.
 */
#include "postgres.h"

#include "guc.h"
#include "idempotency.h"
#include "journal.h"
#include "ledger_many.h"
#include "uuid7.h"

#define JOURNAL_ROWS_FIRST 2

/* What a movement of a kind does to the wallet on each side: how often the amount is added. */
typedef struct Effect
{
	int balance;
	int held;
} Effect;

typedef struct KindEffects
{
	Effect from;
	Effect to;
} KindEffects;

static const KindEffects kind_effects[] = {
	[LEDGER_CREATED] = {{0, 0}, {0, 0}},   [LEDGER_FUND] = {{0, 0}, {1, 0}},
	[LEDGER_WITHDRAW] = {{-1, 0}, {0, 0}}, [LEDGER_TRANSFER] = {{-1, 0}, {1, 0}},
	[LEDGER_HOLD] = {{0, 1}, {0, 0}},	   [LEDGER_RELEASE] = {{0, 0}, {0, -1}},
	[LEDGER_EXPIRE] = {{0, 0}, {0, -1}},   [LEDGER_CAPTURE] = {{-1, -1}, {1, 0}},
	[LEDGER_REVERSAL] = {{-1, 0}, {1, 0}}, [LEDGER_STATUS] = {{0, 0}, {0, 0}},
	[LEDGER_LIMITS] = {{0, 0}, {0, 0}},
};

void
journal_init(Journal *journal)
{
	memset(journal, 0, sizeof(*journal));
	journal->context = CurrentMemoryContext;
	journal->caller = ledger_caller();
	journal->seals = guc_seal;
}

void
journal_begin(Journal *journal, const Request *request, TimestampTz now, Wallet *const *wallets,
			  int count)
{
	for (int i = 0; i < count; i++)
		if (wallets[i] != NULL)
			now = Max(now, wallets[i]->next.updated_at + 1);
	journal->request = request;
	journal->created_at = now;
	journal->leg = 0;
	uuid7_make(now, &journal->transaction_id);
}

static LedgerRow *
journal_add_row(Journal *journal)
{
	if (journal->count == journal->capacity)
	{
		journal->capacity = Max(journal->capacity * 2, JOURNAL_ROWS_FIRST);

		Size size = sizeof(LedgerRow) * journal->capacity;

		journal->rows = journal->rows == NULL ? MemoryContextAllocHuge(journal->context, size)
											  : repalloc_huge(journal->rows, size);
	}
	return &journal->rows[journal->count++];
}

static Money
effect_apply(Money before, int times, Money amount)
{
	switch (times)
	{
		case 1:
			return money_add(before, amount);
		case -1:
			return money_subtract(before, amount);
		default:
			return before;
	}
}

static LedgerSide
journal_step(const Journal *journal, Wallet *wallet, const Effect *effect, Money amount)
{
	if (wallet == NULL)
		return (LedgerSide){.present = false};

	WalletState *next = &wallet->next;

	next->version++;
	next->updated_at = journal->created_at;
	next->balance = effect_apply(next->balance, effect->balance, amount);
	next->held = effect_apply(next->held, effect->held, amount);
	return ledger_side(wallet);
}

LedgerRow *
journal_append(Journal *journal, LedgerKind kind, Wallet *from, Wallet *to, Money amount)
{
	const Request *request = journal->request;
	const KindEffects *effects = &kind_effects[kind];
	LedgerRow *row = journal_add_row(journal);

	*row = (LedgerRow){
		.transaction_id = journal->transaction_id,
		.leg = journal->leg++,
		.kind = kind,
		.amount = amount,
		.currency = from != NULL ? from->currency : to->currency,
		.created_at = journal->created_at,
		.caller = journal->caller,
		.seals = journal->seals,
		.operation = ledger_kind_operation(kind),
	};
	row->from = journal_step(journal, from, &effects->from, amount);
	row->to = journal_step(journal, to, &effects->to, amount);
	if (request != NULL)
	{
		row->operation = request->operation;
		row->metadata = request->metadata;
		row->idempotency_key = row->leg == 0 ? request->idempotency_key : NULL;
	}
	return row;
}

void
journal_truncate(Journal *journal, int count)
{
	Assert(count <= journal->count);
	journal->count = count;
}

void
journal_reserve(Journal *journal, int rows)
{
	Assert(journal->rows == NULL);
	journal->capacity = Max(rows, 1);
	journal->rows = MemoryContextAllocHuge(journal->context, sizeof(LedgerRow) * journal->capacity);
}

/* Rows with a key, in byte order of the keys. */
static LedgerRow **
journal_sort_keys(const Journal *journal, int *count)
{
	KeyPlace *places = palloc_extended(sizeof(KeyPlace) * Max(journal->count, 1), MCXT_ALLOC_HUGE);
	LedgerRow **keyed =
		palloc_extended(sizeof(LedgerRow *) * Max(journal->count, 1), MCXT_ALLOC_HUGE);

	*count = 0;
	for (int i = 0; i < journal->count; i++)
		if (journal->rows[i].idempotency_key != NULL)
			places[(*count)++] = idempotency_place(journal->rows[i].idempotency_key, i);
	idempotency_sort(places, *count);
	for (int i = 0; i < *count; i++)
		keyed[i] = &journal->rows[places[i].position];
	pfree(places);
	return keyed;
}

void
journal_write(const Journal *journal, Ledger *ledger, Snapshot snapshot)
{
	int keyed_count = 0;

	ledger_insert_all(ledger, journal->rows, journal->count);
	if (journal->count == 1)
	{
		if (journal->rows->idempotency_key != NULL)
			idempotency_enter_key(ledger, journal->request, snapshot, journal->rows);
		return;
	}

	LedgerRow **keyed = journal_sort_keys(journal, &keyed_count);

	if (keyed_count == 1)
		idempotency_enter_key(ledger, journal->request, snapshot, keyed[0]);
	else if (keyed_count > 1)
		idempotency_enter_keys(ledger, snapshot, keyed, keyed_count);
}
