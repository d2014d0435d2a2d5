/*
 * money.c
 *		Conversion between numeric and 128-bit integers of 1/10000, and the rules of an amount.
 *
 * Reading goes through numeric's binary wire format (numeric_send: a documented, stable form of
 * base-10000 digits), not through its private layout. Four decimals are one such digit, so that no
 * scaling is needed: units = sum of digit[i] * 10000^(weight - i + 1).
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "money.h"

#define DIGIT_BASE 10000

/* Digit groups of the largest amount, 999 9999 9999 9999.9999, before the point. */
#define WEIGHT_MAX 3

#define WIRE_HEADER_BYTES 8
#define WIRE_POSITIVE	  0x0000
#define WIRE_NEGATIVE	  0x4000

static inline int
wire_int16(const char *at)
{
	const unsigned char *byte = (const unsigned char *) at;

	return (int16) (byte[0] << 8 | byte[1]);
}

/* The value in units, where it has an exact one within numeric(19,4). */
static MoneyClass
money_from_numeric(Datum value, Money *money)
{
	bytea *wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send, value));
	const char *at = VARDATA_ANY(wire);
	int digits = wire_int16(at);
	int weight = wire_int16(at + 2);
	int sign = wire_int16(at + 4);
	Money units = 0;

	if (sign != WIRE_POSITIVE && sign != WIRE_NEGATIVE)
		return MONEY_NOT_FINITE;
	if (digits > 0 && weight > WEIGHT_MAX)
		return MONEY_TOO_LARGE;
	for (int i = 0; i < digits; i++)
	{
		int digit = wire_int16(at + WIRE_HEADER_BYTES + 2 * i);

		if (weight - i >= -1)
			units = units * DIGIT_BASE + digit;
		else if (digit != 0)
			return MONEY_TOO_PRECISE;
	}
	/* The wire form leaves out trailing zero digits: weight -1 is the digit of 1/10000. */
	if (digits > 0)
		for (int lowest = weight - digits + 1; lowest > -1; lowest--)
			units *= DIGIT_BASE;

	*money = sign == WIRE_NEGATIVE ? -units : units;
	return money_fits(*money) ? MONEY_EXACT : MONEY_TOO_LARGE;
}

MoneyClass
money_check_amount(Datum value, Money *money)
{
	MoneyClass found = money_from_numeric(value, money);

	return found == MONEY_EXACT && *money <= 0 ? MONEY_TOO_SMALL : found;
}

MoneyClass
money_check_limit(Datum value, Money *money)
{
	MoneyClass found = money_from_numeric(value, money);

	return found == MONEY_EXACT && *money < 0 ? MONEY_TOO_SMALL : found;
}

bool
money_is_infinite(Datum value)
{
	Datum sign = DirectFunctionCall1(numeric_sign, value);

	return numeric_is_inf(DatumGetNumeric(value)) &&
		   DatumGetInt32(DirectFunctionCall1(numeric_int4, sign)) > 0;
}

/* Money's units in one of the last decimal that a scale leaves. */
static int
scale_units(int scale)
{
	static const int units[] = {10000, 1000, 100, 10, 1};

	StaticAssertDecl(lengthof(units) == MONEY_SCALE + 1, "units of each scale");
	Assert(scale >= 0 && scale <= MONEY_SCALE);
	return units[scale];
}

bool
money_has_scale(Money money, int scale)
{
	return scale == MONEY_SCALE || money % scale_units(scale) == 0;
}

Money
money_share(Money amount, Money part, Money whole, int scale)
{
	Money units = scale_units(scale);
	Money divisor = whole * units;

	Assert(amount >= 0 && part >= 0 && part <= whole && whole > 0);

	/* The product of two amounts stays below 2^127. */
	Money product = amount * part;
	Money quotient = product / divisor;

	if (product % divisor * 2 >= divisor)
		quotient++;
	return quotient * units;
}

Money
money_from_column(Datum value)
{
	Money money = 0;

	if (money_from_numeric(value, &money) != MONEY_EXACT)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("stored amount is not a numeric(19,4)")));
	return money;
}

Datum
money_to_column(Money money)
{
	if (money >= PG_INT64_MIN && money <= PG_INT64_MAX)
		return NumericGetDatum(int64_div_fast_to_numeric((int64) money, 4));
	return DirectFunctionCall3(numeric_in, CStringGetDatum(money_format(money)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

char *
money_format(Money money)
{
	uint128 units = money < 0 ? -(uint128) money : (uint128) money;
	uint64 whole = (uint64) (units / DIGIT_BASE);

	return psprintf("%s" UINT64_FORMAT ".%04d", money < 0 ? "-" : "", whole,
					(int) (units % DIGIT_BASE));
}
