/*
 * json_value.c
 *		Text of UUIDs, amounts, times, strings and jsonb.
 *
 * INV-10: an amount is copied digit by digit from numeric's stored form, which is base 10000, so
 * that 4 decimals are exactly one digit. That form is the one on disk (it can't change without
 * breaking pg_upgrade): a header word, for the long form a word with the weight, then the digits.
 */
#include "json_value.h"

#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* The header word of a stored numeric. */
#define NUMERIC_SIGN_BITS		   0xC000
#define NUMERIC_LONG_NEGATIVE	   0x4000
#define NUMERIC_SHORT_FORM		   0x8000
#define NUMERIC_SPECIAL_FORM	   0xC000
#define NUMERIC_SHORT_NEGATIVE	   0x2000
#define NUMERIC_SHORT_WEIGHT_MINUS 0x0040
#define NUMERIC_SHORT_WEIGHT_BITS  0x003F

/* numeric(19,4): 15 decimal digits before the point, 4 of them to a digit of base 10000. */
#define AMOUNT_WEIGHT_MAX 3
#define AMOUNT_FIRST_MAX  999

/* A stored numeric, taken apart. Digit i stands for digit * 10000 ^ (weight - i). */
typedef struct NumericParts
{
	bool negative;
	int weight;
	int digit_count;
	const char *digits; /* unaligned int16 */
} NumericParts;

static const char hex_digits[] = "0123456789abcdef";

/* Four bytes as eight hexadecimal digits, all at once: a nibble to a byte, then to its digit. */
static inline void
hex_put(char digits[8], const unsigned char bytes[4])
{
	uint32 word;

	memcpy(&word, bytes, sizeof(word));

	uint64 nibbles = pg_ntoh32(word);

	nibbles = (nibbles << 16 | nibbles) & UINT64CONST(0x0000FFFF0000FFFF);
	nibbles = (nibbles << 8 | nibbles) & UINT64CONST(0x00FF00FF00FF00FF);
	nibbles = (nibbles << 4 | nibbles) & UINT64CONST(0x0F0F0F0F0F0F0F0F);

	/* 1 in every byte above 9, which needs a letter. */
	uint64 letters =
		(nibbles + UINT64CONST(0x0606060606060606)) >> 4 & UINT64CONST(0x0101010101010101);
	uint64 text = pg_hton64(nibbles + UINT64CONST(0x3030303030303030) + letters * ('a' - '0' - 10));

	memcpy(digits, &text, sizeof(text));
}

char *
uuid_put(char *at, const unsigned char uuid[UUID_LEN])
{
	char digits[UUID_LEN * 2];

	for (int byte = 0; byte < UUID_LEN; byte += 4)
		hex_put(digits + byte * 2, uuid + byte);

	at = bytes_put(at, digits, 8);
	*at++ = '-';
	at = bytes_put(at, digits + 8, 4);
	*at++ = '-';
	at = bytes_put(at, digits + 12, 4);
	*at++ = '-';
	at = bytes_put(at, digits + 16, 4);
	*at++ = '-';
	return bytes_put(at, digits + 20, 12);
}

/* Takes a numeric apart; false for NaN, infinities and values too long to be stored plainly. */
static bool
numeric_take_apart(NumericParts *parts, Datum numeric)
{
	const char *stored = DatumGetPointer(numeric);

	if (VARATT_IS_EXTERNAL(stored) || VARATT_IS_COMPRESSED(stored))
		return false;

	const char *at = VARDATA_ANY(stored);
	const char *end = at + VARSIZE_ANY_EXHDR(stored);
	uint16 header;

	memcpy(&header, at, sizeof(header));
	at += sizeof(header);
	if ((header & NUMERIC_SIGN_BITS) == NUMERIC_SPECIAL_FORM)
		return false;
	if ((header & NUMERIC_SIGN_BITS) == NUMERIC_SHORT_FORM)
	{
		parts->negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
		parts->weight = header & NUMERIC_SHORT_WEIGHT_BITS;
		if (header & NUMERIC_SHORT_WEIGHT_MINUS)
			parts->weight -= NUMERIC_SHORT_WEIGHT_BITS + 1;
	}
	else
	{
		int16 weight;

		memcpy(&weight, at, sizeof(weight));
		at += sizeof(weight);
		parts->negative = (header & NUMERIC_SIGN_BITS) == NUMERIC_LONG_NEGATIVE;
		parts->weight = weight;
	}
	parts->digits = at;
	parts->digit_count = (int) ((end - at) / sizeof(int16));
	return true;
}

/* The digit that stands for 10000 ^ power. */
static int
numeric_get_digit(const NumericParts *parts, int power)
{
	int index = parts->weight - power;
	int16 digit;

	if (index < 0 || index >= parts->digit_count)
		return 0;
	memcpy(&digit, parts->digits + index * sizeof(digit), sizeof(digit));
	return digit;
}

/* All four decimal digits of a digit of base 10000. */
static char *
digit_put(char *at, int digit)
{
	at[0] = (char) ('0' + digit / 1000);
	at[1] = (char) ('0' + digit / 100 % 10);
	at[2] = (char) ('0' + digit / 10 % 10);
	at[3] = (char) ('0' + digit % 10);
	return at + 4;
}

char *
amount_put(char *at, Datum numeric)
{
	NumericParts parts;

	if (!numeric_take_apart(&parts, numeric))
		return NULL;

	/* Stored digits have no zeros at either end: the outermost say whether the value fits. */
	if (parts.digit_count > 0 &&
		(parts.weight > AMOUNT_WEIGHT_MAX || parts.weight - parts.digit_count + 1 < -1 ||
		 numeric_get_digit(&parts, AMOUNT_WEIGHT_MAX) > AMOUNT_FIRST_MAX))
		return NULL;

	if (parts.negative)
		*at++ = '-';

	int power = parts.digit_count > 0 ? Max(parts.weight, 0) : 0;

	at += pg_ltoa(numeric_get_digit(&parts, power), at);
	while (--power >= 0)
		at = digit_put(at, numeric_get_digit(&parts, power));
	*at++ = '.';
	return digit_put(at, numeric_get_digit(&parts, -1));
}

static char *
two_digits_put(char *at, int value)
{
	at[0] = (char) ('0' + value / 10);
	at[1] = (char) ('0' + value % 10);
	return at + 2;
}

char *
time_put(char *at, TimestampTz time)
{
	if (!time_is_in_range(time))
		return NULL;

	int64 day = time / USECS_PER_DAY;
	int64 of_day = time % USECS_PER_DAY;

	if (of_day < 0)
	{
		of_day += USECS_PER_DAY;
		day--;
	}

	int year;
	int month;
	int day_of_month;

	j2date((int) day + POSTGRES_EPOCH_JDATE, &year, &month, &day_of_month);

	int seconds = (int) (of_day / USECS_PER_SEC);
	int microseconds = (int) (of_day % USECS_PER_SEC);

	at = digit_put(at, year);
	*at++ = '-';
	at = two_digits_put(at, month);
	*at++ = '-';
	at = two_digits_put(at, day_of_month);
	*at++ = 'T';
	at = two_digits_put(at, seconds / SECS_PER_HOUR);
	*at++ = ':';
	at = two_digits_put(at, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*at++ = ':';
	at = two_digits_put(at, seconds % SECS_PER_MINUTE);
	*at++ = '.';
	at = two_digits_put(at, microseconds / 10000);
	at = digit_put(at, microseconds % 10000);
	*at++ = 'Z';
	return at;
}

/* Writes a byte that can't stand in a JSON string as it is. */
static char *
escape_put(char *at, unsigned char byte)
{
	*at++ = '\\';
	switch (byte)
	{
		case '"':
		case '\\':
			*at++ = (char) byte;
			return at;
		case '\b':
			*at++ = 'b';
			return at;
		case '\f':
			*at++ = 'f';
			return at;
		case '\n':
			*at++ = 'n';
			return at;
		case '\r':
			*at++ = 'r';
			return at;
		case '\t':
			*at++ = 't';
			return at;
		default:
			at = LITERAL_PUT(at, "u00");
			*at++ = hex_digits[byte >> 4];
			*at++ = hex_digits[byte & 0x0F];
			return at;
	}
}

static inline bool
byte_needs_escape(unsigned char byte)
{
	return byte < ' ' || byte == '"' || byte == '\\';
}

char *
string_put(char *at, const char *bytes, size_t count)
{
	*at++ = '"';
	for (size_t index = 0; index < count; index++)
	{
		if (unlikely(byte_needs_escape((unsigned char) bytes[index])))
			at = escape_put(at, (unsigned char) bytes[index]);
		else
			*at++ = bytes[index];
	}
	*at++ = '"';
	return at;
}

/* How many bytes string_put writes. */
static size_t
string_measure(const char *bytes, size_t count)
{
	char escape[STRING_ESCAPE_BYTES];
	size_t size = count + 2;

	for (size_t index = 0; index < count; index++)
	{
		if (byte_needs_escape((unsigned char) bytes[index]))
			size += escape_put(escape, (unsigned char) bytes[index]) - escape - 1;
	}
	return size;
}

static bool
bytes_append(StringInfo out, const char *bytes, size_t count, size_t bytes_max)
{
	if (out->len + count > bytes_max)
		return false;
	appendBinaryStringInfo(out, bytes, (int) count);
	return true;
}

static bool
string_append(StringInfo out, const char *bytes, size_t count, size_t bytes_max)
{
	size_t room = count * STRING_ESCAPE_BYTES + 2;

	/* Only a huge string is worth measuring before it is written. */
	if (out->len + room > bytes_max)
		room = string_measure(bytes, count);
	if (out->len + room > bytes_max)
		return false;

	enlargeStringInfo(out, (int) room);
	out->len = (int) (string_put(out->data + out->len, bytes, count) - out->data);
	out->data[out->len] = '\0';
	return true;
}

static bool
jsonb_scalar_append(StringInfo out, const JsonbValue *scalar, size_t bytes_max)
{
	switch (scalar->type)
	{
		case jbvString:
			return string_append(out, scalar->val.string.val, scalar->val.string.len, bytes_max);
		case jbvNumeric:
		{
			char *text = DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(scalar->val.numeric)));
			bool fits = bytes_append(out, text, strlen(text), bytes_max);

			pfree(text);
			return fits;
		}
		case jbvBool:
			return scalar->val.boolean ? bytes_append(out, "true", 4, bytes_max)
									   : bytes_append(out, "false", 5, bytes_max);
		default:
			return bytes_append(out, "null", 4, bytes_max);
	}
}

bool
jsonb_append(StringInfo out, Jsonb *jsonb, size_t bytes_max)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbValue value;
	JsonbIteratorToken token;
	bool after_value = false; /* a comma is due before the next key or element */
	bool is_scalar = false;	  /* a bare scalar is stored as an array that isn't shown */
	bool fits = true;

	while (fits && (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		bool is_end = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		if (after_value && !is_end)
			fits = bytes_append(out, ", ", 2, bytes_max);
		after_value = true;
		switch (token)
		{
			case WJB_BEGIN_ARRAY:
				is_scalar = value.val.array.rawScalar;
				fits = fits && (is_scalar || bytes_append(out, "[", 1, bytes_max));
				after_value = false;
				break;
			case WJB_BEGIN_OBJECT:
				fits = fits && bytes_append(out, "{", 1, bytes_max);
				after_value = false;
				break;
			case WJB_KEY:
				fits = fits && jsonb_scalar_append(out, &value, bytes_max) &&
					   bytes_append(out, ": ", 2, bytes_max);
				after_value = false;
				break;
			case WJB_END_ARRAY:
				fits = fits && (is_scalar || bytes_append(out, "]", 1, bytes_max));
				break;
			case WJB_END_OBJECT:
				fits = fits && bytes_append(out, "}", 1, bytes_max);
				break;
			default:
				fits = fits && jsonb_scalar_append(out, &value, bytes_max);
		}
	}
	return fits;
}
