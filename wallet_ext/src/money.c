/*
 * money.c
 *		Conversion between numeric and 128-bit integers of 1/10000, and the rules of an amount.
 *
 * Both ways go through numeric's stored form, not through a function call for every amount of a
 * batch. It is the one on disk, which can't change without breaking pg_upgrade (the decoder's
 * json_value.c reads the same): a header word, for the long form a word with the weight, then
 * digits of base 10000, without zeros at either end. Four decimals are one such digit, so that no
 * scaling is needed: units = sum of digit[i] * 10000^(weight - i + 1).
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "money.h"

#define DIGIT_BASE 10000

/* Digit groups of the largest amount, 999 9999 9999 9999.9999, before the point. */
#define WEIGHT_MAX 3

/* The header word of a stored numeric. */
#define NUMERIC_SIGN_BITS		   0xC000
#define NUMERIC_LONG_NEGATIVE	   0x4000
#define NUMERIC_SHORT_FORM		   0x8000
#define NUMERIC_SPECIAL_FORM	   0xC000
#define NUMERIC_SHORT_NEGATIVE	   0x2000
#define NUMERIC_SHORT_SCALE_SHIFT  7
#define NUMERIC_SHORT_WEIGHT_MINUS 0x0040
#define NUMERIC_SHORT_WEIGHT_BITS  0x003F

static inline uint16
stored_word(const char *at)
{
	uint16 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The value in units, where it has an exact one within numeric(19,4). */
static MoneyClass
money_from_numeric(Datum value, Money *money)
{
	/* Only what is compressed or stored out of line is copied. */
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(value);
	const char *at = VARDATA_ANY(stored);
	const char *end = at + VARSIZE_ANY_EXHDR(stored);
	uint16 header = stored_word(at);
	bool negative;
	int weight;
	Money units = 0;

	at += sizeof(uint16);
	if ((header & NUMERIC_SIGN_BITS) == NUMERIC_SPECIAL_FORM)
		return MONEY_NOT_FINITE;
	if ((header & NUMERIC_SIGN_BITS) == NUMERIC_SHORT_FORM)
	{
		negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
		weight = header & NUMERIC_SHORT_WEIGHT_BITS;
		if (header & NUMERIC_SHORT_WEIGHT_MINUS)
			weight |= ~NUMERIC_SHORT_WEIGHT_BITS;
	}
	else
	{
		negative = (header & NUMERIC_SIGN_BITS) == NUMERIC_LONG_NEGATIVE;
		weight = (int16) stored_word(at);
		at += sizeof(uint16);
	}

	int digits = (int) ((end - at) / (int) sizeof(uint16));

	if (digits > 0 && weight > WEIGHT_MAX)
		return MONEY_TOO_LARGE;
	for (int i = 0; i < digits; i++, at += sizeof(uint16))
	{
		uint16 digit = stored_word(at);

		if (weight - i >= -1)
			units = units * DIGIT_BASE + digit;
		else if (digit != 0)
			return MONEY_TOO_PRECISE;
	}
	if (digits > 0)
		for (int lowest = weight - digits + 1; lowest > -1; lowest--)
			units *= DIGIT_BASE;

	*money = negative ? -units : units;
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

/* In the short form, which holds every amount: 4 decimals, 5 digits. A sum may be larger. */
Datum
money_to_column(Money money)
{
	uint128 units = money < 0 ? -(uint128) money : (uint128) money;
	uint16 words[1 + WEIGHT_MAX + 2];
	int first = lengthof(words);
	int weight = -2;

	if (!money_fits(money))
		return DirectFunctionCall3(numeric_in, CStringGetDatum(money_format(money)),
								   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	for (; units != 0; units /= DIGIT_BASE, weight++)
		words[--first] = (uint16) (units % DIGIT_BASE);

	int last = lengthof(words);

	while (last > first && words[last - 1] == 0)
		last--;
	if (last == first)
		weight = 0;
	words[--first] = NUMERIC_SHORT_FORM | (money < 0 ? NUMERIC_SHORT_NEGATIVE : 0) |
					 MONEY_SCALE << NUMERIC_SHORT_SCALE_SHIFT |
					 (weight < 0 ? NUMERIC_SHORT_WEIGHT_MINUS : 0) |
					 (weight & NUMERIC_SHORT_WEIGHT_BITS);

	Size bytes = (last - first) * sizeof(uint16);
	struct varlena *stored = palloc(VARHDRSZ + bytes);

	SET_VARSIZE(stored, VARHDRSZ + bytes);
	memcpy(VARDATA(stored), words + first, bytes);
	return PointerGetDatum(stored);
}

char *
money_format(Money money)
{
	uint128 units = money < 0 ? -(uint128) money : (uint128) money;
	uint64 whole = (uint64) (units / DIGIT_BASE);

	return psprintf("%s" UINT64_FORMAT ".%04d", money < 0 ? "-" : "", whole,
					(int) (units % DIGIT_BASE));
}
