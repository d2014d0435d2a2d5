/*
 * fault.h
 *		Why an operation may not be done: the first rule of the error table that it breaks.
 *
 * A fault is a value, because what is judged without a lock may be out of date: then the wallets
 * are locked and judged again. Only what was judged under the locks is raised.
 */
#pragma once

#include "request.h"
#include "wallet.h"

typedef enum FaultRule
{
	FAULT_NONE,
	FAULT_NOT_FOUND,
	FAULT_SCALE,
	FAULT_VERSION,
	FAULT_CLOSED,
	FAULT_FROZEN,
	FAULT_CURRENCY,
	FAULT_FUNDS,
	FAULT_LIMIT,
} FaultRule;

typedef struct Fault
{
	FaultRule rule;
	const Wallet *wallet;
	const Wallet *first; /* FAULT_CURRENCY: whose currency counts */
	int64 expected_version;
	Money available;
	Money requested;
	const char *argument; /* FAULT_SCALE: which amount has too many decimals */
} Fault;

/* The wallets of an operation, in the order in which its arguments name them; NULL is outside. */
typedef struct Parties
{
	const Wallet *first;
	const Wallet *second;
	/* Frozen wallets take part in a release, and may be paid back. */
	bool first_may_be_frozen;
	bool second_may_be_frozen;
} Parties;

/* The rules of who takes part, in their order: existence, the scale of the first wallet's currency
 * for the request's amounts, the version of the first wallet where the request expects one, states,
 * currencies; and all of them. */
extern Fault fault_of_existence(const Parties *parties);
extern Fault fault_of_scale(const Parties *parties, const Request *request);
extern Fault fault_of_version(const Parties *parties, const Request *request);
extern Fault fault_of_status(const Parties *parties);
extern Fault fault_of_currency(const Parties *parties);
extern Fault fault_of_parties(const Parties *parties, const Request *request);

/*
 * Whether the wallet's currency lets an amount have so many decimals; argument: what it is called.
 */
extern Fault fault_of_decimals(const Wallet *wallet, const char *argument, Money amount);

/* Whether what is available, credit included, covers a debit. */
extern Fault fault_of_debit(const Wallet *wallet, Money amount);

/* Whether balance - held covers a new hold, which doesn't draw on the credit limit. */
extern Fault fault_of_hold(const Wallet *wallet, Money amount);

/* Whether the balance stays within max_balance and numeric(19,4). */
extern Fault fault_of_credit(const Wallet *wallet, Money amount);

/* Whether a balance can be written down. */
extern Fault fault_of_overdraft(const Wallet *wallet, Money amount);

/* Raises the fault's error; returns where there is none. */
extern void fault_raise(Fault fault);
