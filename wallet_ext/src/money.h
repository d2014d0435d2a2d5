/*
 * money.h
 *		Exact amounts: 128-bit integers of 1/10000, and what may be an amount (INV-10).
 *
 * "Money" is a number of 1/10000 units. The largest amount, 999999999999999.9999, is 10^19 - 1
 * units and exceeds 64 bits. This is the only room with arithmetic on amounts: everything else
 * calls it. What can't be represented exactly is refused; only a share is rounded (money_share).
 */
#pragma once

#include "fmgr.h"
#include "utils/numeric.h"

typedef int128 Money;

/* Decimals of an amount where its currency has no scale of its own. */
#define MONEY_SCALE 4

/* Bound of numeric(19,4), on both sides of zero. */
#define MONEY_MAX ((Money) INT64CONST(1000000000000000000) * 10 - 1)

/* What a numeric is as an amount; all but the first are refused. */
typedef enum MoneyClass
{
	MONEY_EXACT,
	MONEY_NOT_FINITE,
	MONEY_TOO_PRECISE, /* more than 4 decimals by value */
	MONEY_TOO_LARGE,   /* above MONEY_MAX, on either side of zero */
	MONEY_TOO_SMALL,
} MoneyClass;

/* Reads an amount, which is above 0. *money counts for MONEY_EXACT only. */
extern MoneyClass money_check_amount(Datum value, Money *money);

/* Reads a limit, which may be 0. */
extern MoneyClass money_check_limit(Datum value, Money *money);

/* Reads a column of our own tables; a value that no operation can have written raises XX001. */
extern Money money_from_column(Datum value);

/* numeric with 4 decimals, in the current memory context. */
extern Datum money_to_column(Money money);

/* amount * part / whole, rounded half away from zero to that many decimals, at most MONEY_SCALE.
 * None is negative or above MONEY_MAX, whole is above 0, part at most whole. */
extern Money money_share(Money amount, Money part, Money whole, int scale);

/* Whether the amount has at most that many decimals by value. */
extern bool money_has_scale(Money money, int scale);

/* Whether a numeric is Infinity, which no amount is. */
extern bool money_is_infinite(Datum value);

/* "12.3400", "-0.0001", palloc'd. */
extern char *money_format(Money money);

/* Whether the value lies within numeric(19,4). */
static inline bool
money_fits(Money money)
{
	return money >= -MONEY_MAX && money <= MONEY_MAX;
}

/* No sum of two values that fit overflows 128 bits. */
static inline Money
money_add(Money left, Money right)
{
	return left + right;
}

static inline Money
money_subtract(Money left, Money right)
{
	return left - right;
}

/* balance - held + credit_limit: what a debit may take. */
static inline Money
money_available(Money balance, Money held, Money credit_limit)
{
	return balance - held + credit_limit;
}
