/*
 * fault.c
 *		Why an operation may not be done: the first rule of the error table that it breaks.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "currency.h"
#include "errors.h"
#include "fault.h"

static const Fault no_fault = {FAULT_NONE};

static bool
text_equal(const text *left, const text *right)
{
	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		   memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

static FaultRule
fault_rule_of_status(const Wallet *wallet, bool may_be_frozen)
{
	switch (wallet->next.status)
	{
		case WALLET_CLOSED:
			return FAULT_CLOSED;
		case WALLET_FROZEN:
			return may_be_frozen ? FAULT_NONE : FAULT_FROZEN;
		case WALLET_ACTIVE:
			break;
	}
	return FAULT_NONE;
}

Fault
fault_of_existence(const Parties *parties)
{
	if (parties->first != NULL && !parties->first->found)
		return (Fault){.rule = FAULT_NOT_FOUND, .wallet = parties->first};
	if (parties->second != NULL && !parties->second->found)
		return (Fault){.rule = FAULT_NOT_FOUND, .wallet = parties->second};
	return no_fault;
}

/* The wallet that an operation is about: the one named first. */
static const Wallet *
parties_first(const Parties *parties)
{
	return parties->first != NULL ? parties->first : parties->second;
}

Fault
fault_of_decimals(const Wallet *wallet, const char *argument, Money amount)
{
	if (money_has_scale(amount, currency_scale(wallet->currency)))
		return no_fault;
	return (Fault){
		.rule = FAULT_SCALE,
		.wallet = wallet,
		.requested = amount,
		.argument = argument,
	};
}

Fault
fault_of_scale(const Parties *parties, const Request *request)
{
	const Wallet *wallet = parties_first(parties);
	Fault fault = no_fault;

	if (request->amount.present)
		fault = fault_of_decimals(wallet, "amount", request->amount.value);
	if (fault.rule == FAULT_NONE && request->credit_limit.present)
		fault = fault_of_decimals(wallet, "credit_limit", request->credit_limit.value);
	if (fault.rule == FAULT_NONE && request->max_balance.present)
		fault = fault_of_decimals(wallet, "max_balance", request->max_balance.value);
	return fault;
}

Fault
fault_of_version(const Parties *parties, const Request *request)
{
	const Wallet *versioned = parties_first(parties);
	const OptionalInteger *expected = &request->expected_version;

	if (!expected->present || versioned->next.version == expected->value)
		return no_fault;
	return (Fault){
		.rule = FAULT_VERSION,
		.wallet = versioned,
		.expected_version = expected->value,
	};
}

Fault
fault_of_status(const Parties *parties)
{
	FaultRule rule = FAULT_NONE;

	if (parties->first != NULL)
		rule = fault_rule_of_status(parties->first, parties->first_may_be_frozen);
	if (rule != FAULT_NONE)
		return (Fault){.rule = rule, .wallet = parties->first};
	if (parties->second != NULL)
		rule = fault_rule_of_status(parties->second, parties->second_may_be_frozen);
	return (Fault){.rule = rule, .wallet = parties->second};
}

Fault
fault_of_currency(const Parties *parties)
{
	if (parties->first == NULL || parties->second == NULL ||
		text_equal(parties->first->currency, parties->second->currency))
		return no_fault;
	return (Fault){
		.rule = FAULT_CURRENCY,
		.wallet = parties->second,
		.first = parties->first,
	};
}

Fault
fault_of_parties(const Parties *parties, const Request *request)
{
	Fault fault = fault_of_existence(parties);

	if (fault.rule == FAULT_NONE)
		fault = fault_of_scale(parties, request);
	if (fault.rule == FAULT_NONE)
		fault = fault_of_version(parties, request);
	if (fault.rule == FAULT_NONE)
		fault = fault_of_status(parties);
	if (fault.rule == FAULT_NONE)
		fault = fault_of_currency(parties);
	return fault;
}

static Fault
fault_of_available(const Wallet *wallet, Money available, Money requested)
{
	if (available >= requested)
		return no_fault;
	return (Fault){
		.rule = FAULT_FUNDS,
		.wallet = wallet,
		.available = available,
		.requested = requested,
	};
}

Fault
fault_of_debit(const Wallet *wallet, Money amount)
{
	const WalletState *state = &wallet->next;

	return fault_of_available(wallet,
							  money_available(state->balance,
											  money_subtract(state->held, state->expired),
											  state->credit_limit),
							  amount);
}

Fault
fault_of_hold(const Wallet *wallet, Money amount)
{
	const WalletState *state = &wallet->next;

	return fault_of_available(wallet,
							  money_available(state->balance,
											  money_subtract(state->held, state->expired), 0),
							  amount);
}

Fault
fault_of_credit(const Wallet *wallet, Money amount)
{
	Money after = money_add(wallet->next.balance, amount);
	const OptionalMoney *max_balance = &wallet->next.max_balance;

	if (money_fits(after) && (!max_balance->present || after <= max_balance->value))
		return no_fault;
	return (Fault){.rule = FAULT_LIMIT, .wallet = wallet};
}

Fault
fault_of_overdraft(const Wallet *wallet, Money amount)
{
	if (money_fits(money_subtract(wallet->next.balance, amount)))
		return no_fault;
	return (Fault){.rule = FAULT_LIMIT, .wallet = wallet};
}

void
fault_raise(Fault fault)
{
	switch (fault.rule)
	{
		case FAULT_NONE:
			return;
		case FAULT_NOT_FOUND:
			error_raise_wallet_not_found(&fault.wallet->id);
		case FAULT_SCALE:
			error_raise_too_many_decimals(fault.argument, fault.requested,
										  text_to_cstring(fault.wallet->currency),
										  currency_scale(fault.wallet->currency));
		case FAULT_VERSION:
			error_raise_version_conflict(&fault.wallet->id, fault.expected_version,
										 fault.wallet->next.version);
		case FAULT_CLOSED:
			error_raise_wallet_closed(&fault.wallet->id);
		case FAULT_FROZEN:
			error_raise_wallet_frozen(&fault.wallet->id);
		case FAULT_CURRENCY:
			error_raise_currency_mismatch(&fault.wallet->id, text_to_cstring(fault.first->currency),
										  text_to_cstring(fault.wallet->currency));
		case FAULT_FUNDS:
			error_raise_insufficient_funds(&fault.wallet->id, fault.available, fault.requested);
		case FAULT_LIMIT:
			error_raise_limit_exceeded(&fault.wallet->id);
	}
}
