/*
 * reversal.c
 *		wallet_reverse, wallet_reverse_force: paying an operation back, in part or in full.
 *
 * A FUND, WITHDRAW, TRANSFER or CAPTURE is paid back by movements the other way, any number of
 * times up to its amount. What is left is counted under the locks of its wallets: two reversals of
 * one operation share a wallet, so exactly one of two full ones succeeds.
 *
 * Of several legs the amount is what the payer of the first one gets back, and every other follows
 * up to the same share: paid back in all, not in this step, so that roundings never add up and the
 * step which completes the first leg completes all. From the last leg to the first: money that only
 * passed through a wallet finds its way back.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "call.h"
#include "currency.h"
#include "errors.h"
#include "ledger_rows.h"
#include "outside.h"

PG_FUNCTION_INFO_V1(wallet_reverse);
PG_FUNCTION_INFO_V1(wallet_reverse_force);

/* A leg of the operation to be paid back. */
typedef struct OriginalLeg
{
	int leg;
	Money amount;
	Money paid_back; /* by former reversals */
	Money step;		 /* to be paid back now */
	/* The sides of the payment: who is debited had been credited. */
	OptionalUuid debited_id;
	OptionalUuid credited_id;
} OriginalLeg;

typedef struct Reversal
{
	bool forced;
	Call *call;
	const Request *request;
	LedgerKind kind; /* of the operation's first row */
	bool reversible;
	OriginalLeg *legs;
	int leg_count;
} Reversal;

static bool
ledger_kind_is_reversible(LedgerKind kind)
{
	return kind == LEDGER_FUND || kind == LEDGER_WITHDRAW || kind == LEDGER_TRANSFER ||
		   kind == LEDGER_CAPTURE;
}

static void
reversal_add_leg(Reversal *reversal, const LedgerRow *row)
{
	if (reversal->legs == NULL)
		reversal->legs = palloc(sizeof(OriginalLeg));
	else
		reversal->legs =
			repalloc_huge(reversal->legs, sizeof(OriginalLeg) * (reversal->leg_count + 1));
	reversal->legs[reversal->leg_count++] = (OriginalLeg){
		.leg = row->leg,
		.amount = row->amount,
		.debited_id = {.present = row->to.present, .value = row->to.wallet_id},
		.credited_id = {.present = row->from.present, .value = row->from.wallet_id},
	};
}

/* Reads the operation's legs, which never change. The rest that a capture released is none. */
static void
reversal_read_original(Reversal *reversal)
{
	LedgerRows rows;
	LedgerRow row;
	bool found = false;

	ledger_rows_begin(&rows, &reversal->call->ledger, reversal->request->reverses);
	while (ledger_rows_next(&rows, &row))
	{
		if (!found)
		{
			reversal->kind = row.kind;
			reversal->reversible = ledger_kind_is_reversible(row.kind);
		}
		if (!found || (reversal->reversible && row.kind == reversal->kind))
			reversal_add_leg(reversal, &row);
		found = true;
	}
	ledger_rows_end(&rows);
	if (!found)
		error_raise_operation_not_found(reversal->request->reverses);
}

/* What came from outside goes back there, and the other way round. */
static void
reversal_check_outside(const Reversal *reversal)
{
	Oid schema = RelationGetNamespace(reversal->call->ledger.table);

	if (!reversal->reversible)
		return;
	for (int i = 0; i < reversal->leg_count; i++)
	{
		if (!reversal->legs[i].credited_id.present)
			outside_check_out(schema, "transaction_id");
		if (!reversal->legs[i].debited_id.present)
			outside_check_in(schema, "transaction_id");
	}
}

static int
compare_legs(const void *left, const void *right)
{
	return ((const OriginalLeg *) left)->leg - ((const OriginalLeg *) right)->leg;
}

/* Legs were read in ascending order. */
static OriginalLeg *
reversal_find_leg(Reversal *reversal, int leg)
{
	const OriginalLeg sought = {.leg = leg};
	OriginalLeg *found =
		bsearch(&sought, reversal->legs, reversal->leg_count, sizeof(OriginalLeg), compare_legs);

	if (found == NULL)
		elog(ERROR, "a reversal names a leg that its operation doesn't have: %d", leg);
	return found;
}

static void
reversal_read_former(Reversal *reversal)
{
	LedgerRows rows;
	LedgerRow row;

	ledger_rows_begin_reversals(&rows, &reversal->call->ledger, reversal->request->reverses);
	while (ledger_rows_next(&rows, &row))
	{
		OriginalLeg *leg = reversal_find_leg(reversal, (int) row.reverses_leg.value);

		leg->paid_back = money_add(leg->paid_back, row.amount);
	}
	ledger_rows_end(&rows);
}

static void
reversal_lock(Call *call, const Request *request, void *state)
{
	Reversal *reversal = state;

	reversal->call = call;
	reversal->request = request;
	PushActiveSnapshot(call->snapshot);
	reversal_read_original(reversal);
	PopActiveSnapshot();
	reversal_check_outside(reversal);

	const pg_uuid_t **ids =
		palloc_extended(sizeof(pg_uuid_t *) * 2 * reversal->leg_count, MCXT_ALLOC_HUGE);

	for (int i = 0; i < reversal->leg_count; i++)
	{
		const OriginalLeg *leg = &reversal->legs[i];

		ids[2 * i] = leg->debited_id.present ? &leg->debited_id.value : NULL;
		ids[2 * i + 1] = leg->credited_id.present ? &leg->credited_id.value : NULL;
	}
	call_open_wallets(call, ids, 2 * reversal->leg_count, NULL);
	call_lock(call);
}

static Wallet *
reversal_debited(Reversal *reversal, const OriginalLeg *leg)
{
	return wallet_set_get(&reversal->call->wallets,
						  leg->debited_id.present ? &leg->debited_id.value : NULL);
}

static Wallet *
reversal_credited(Reversal *reversal, const OriginalLeg *leg)
{
	return wallet_set_get(&reversal->call->wallets,
						  leg->credited_id.present ? &leg->credited_id.value : NULL);
}

/* Amount and version count for the first leg's wallets only. */
static void
reversal_check_parties(Reversal *reversal)
{
	Request request = *reversal->request;

	for (int i = 0; i < reversal->leg_count; i++)
	{
		const Parties parties = {
			.first = reversal_debited(reversal, &reversal->legs[i]),
			.second = reversal_credited(reversal, &reversal->legs[i]),
			.second_may_be_frozen = true,
		};

		CHECK_FOR_INTERRUPTS();
		fault_raise(fault_of_parties(&parties, &request));
		request.amount.present = false;
		request.expected_version.present = false;
	}
}

/* What the leg is to have paid back once the first leg has paid back so much. */
static Money
reversal_target(Reversal *reversal, const OriginalLeg *leg, Money paid_back)
{
	Money whole = reversal->legs[0].amount;
	const Wallet *wallet = reversal_debited(reversal, leg);

	if (paid_back == whole)
		return leg->amount;
	if (wallet == NULL)
		wallet = reversal_credited(reversal, leg);
	return money_share(leg->amount, paid_back, whole, currency_scale(wallet->currency));
}

/* How far each leg goes in this step; raises WL031 and WL032. */
static void
reversal_divide(Reversal *reversal)
{
	const Request *request = reversal->request;
	const OriginalLeg *first = &reversal->legs[0];
	bool has_step = false;

	if (!reversal->reversible)
		error_raise_not_reversible(request->reverses, ledger_kind_name(reversal->kind));
	reversal_read_former(reversal);

	Money left = money_subtract(first->amount, first->paid_back);
	Money amount = request->amount.present ? request->amount.value : left;

	if (amount > left)
		error_raise_exceeds_reversible(request->reverses, left, amount);

	Money paid_back = money_add(first->paid_back, amount);

	for (int i = 0; i < reversal->leg_count; i++)
	{
		OriginalLeg *leg = &reversal->legs[i];

		/* Versions before 1.2 divided otherwise: a leg may be further already. */
		leg->step =
			Max(money_subtract(reversal_target(reversal, leg, paid_back), leg->paid_back), 0);
		has_step |= leg->step > 0;
	}
	if (!has_step)
		error_raise_exceeds_reversible(request->reverses, left, amount);
}

static void
reversal_check_amount(const Reversal *reversal, const Wallet *debited, const Wallet *credited,
					  Money amount)
{
	if (debited != NULL)
		fault_raise(reversal->forced ? fault_of_overdraft(debited, amount)
									 : fault_of_debit(debited, amount));
	if (credited != NULL)
		fault_raise(fault_of_credit(credited, amount));
}

static void
reversal_append(Reversal *reversal, const OriginalLeg *leg)
{
	const Request *request = reversal->request;
	Wallet *debited = reversal_debited(reversal, leg);
	Wallet *credited = reversal_credited(reversal, leg);

	reversal_check_amount(reversal, debited, credited, leg->step);

	LedgerRow *row =
		journal_append(&reversal->call->journal, LEDGER_REVERSAL, debited, credited, leg->step);

	row->forced = reversal->forced;
	row->reverses = optional_uuid(request->reverses);
	row->reverses_leg = optional_integer(leg->leg);
	row->requested_amount = request->amount;
}

/* All wallets of the operation, for its time. Expired holds are released first. */
static void
reversal_begin(Reversal *reversal)
{
	Call *call = reversal->call;
	WalletSet *set = &call->wallets;
	Wallet **wallets = palloc(sizeof(Wallet *) * set->count);

	for (int i = 0; i < reversal->leg_count; i++)
		call_release_expired(call, reversal_debited(reversal, &reversal->legs[i]));
	for (int i = 0; i < set->count; i++)
		wallets[i] = &set->wallets[i];
	journal_begin(&call->journal, reversal->request, call->now, wallets, set->count);
}

static void
reversal_judge(Call *call, const Request *request, void *state)
{
	Reversal *reversal = state;

	reversal_check_parties(reversal);
	reversal_divide(reversal);
	reversal_begin(reversal);
	for (int i = reversal->leg_count - 1; i >= 0; i--)
	{
		CHECK_FOR_INTERRUPTS();
		if (reversal->legs[i].step > 0)
			reversal_append(reversal, &reversal->legs[i]);
	}
}

static const CallSteps reversal_steps = {.lock = reversal_lock, .judge = reversal_judge};

static Datum
reversal_call(FunctionCallInfo fcinfo, const char *operation, const char *function, bool forced)
{
	static const char *const required[] = {"transaction_id"};
	Request request = {
		.operation = operation,
		.kind = LEDGER_REVERSAL,
		.amount_rule = AMOUNT_OPTIONAL,
	};
	Reversal reversal = {.forced = forced};

	request_begin(function);
	request_check_not_null(fcinfo, required, lengthof(required));
	request.reverses = request_read_id(fcinfo, 0, "transaction_id");
	request_read_last(&request, fcinfo, 2);
	request_read_amount(&request, fcinfo, 1);
	PG_RETURN_UUID_P(call_run(&request, &reversal_steps, &reversal));
}

Datum
wallet_reverse(PG_FUNCTION_ARGS)
{
	return reversal_call(fcinfo, "wallet_reverse", "wallet_reverse()", false);
}

Datum
wallet_reverse_force(PG_FUNCTION_ARGS)
{
	return reversal_call(fcinfo, "wallet_reverse_force", "wallet_reverse_force()", true);
}
