/*
 * readable.c
 *		What names, keys and metadata must not have, so that events and logs can be read.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "readable.h"

/* The byte that UTF-8 begins the characters from U+0080 to U+00BF with. */
#define FIRST_BYTE_OF_C1 0xc2

bool
readable_has_control(const text *value)
{
	const unsigned char *at = (const unsigned char *) VARDATA_ANY(value);
	const unsigned char *end = at + VARSIZE_ANY_EXHDR(value);

	for (; at < end; at++)
		if (*at < 0x20 || *at == 0x7f || (*at == FIRST_BYTE_OF_C1 && at + 1 < end && at[1] <= 0x9f))
			return true;
	return false;
}

static bool
is_between(pg_wchar character, pg_wchar first, pg_wchar last)
{
	return first <= character && character <= last;
}

static bool
is_mark(pg_wchar character)
{
	return is_between(character, 0x200b, 0x200f) || is_between(character, 0x202a, 0x202e) ||
		   is_between(character, 0x2060, 0x2069) || character == 0xfeff;
}

static bool
is_blank(pg_wchar character)
{
	return character == ' ' || character == 0xa0 || character == 0x1680 ||
		   is_between(character, 0x2000, 0x200a) || is_between(character, 0x2028, 0x2029) ||
		   character == 0x202f || character == 0x205f || character == 0x3000;
}

/* The characters of a text, palloc'd. */
static pg_wchar *
read_characters(const text *value, int *count)
{
	pg_wchar *characters = palloc(sizeof(pg_wchar) * (VARSIZE_ANY_EXHDR(value) + 1));

	*count = pg_mb2wchar_with_len(VARDATA_ANY(value), characters, VARSIZE_ANY_EXHDR(value));
	return characters;
}

bool
readable_has_mark(const text *value)
{
	int count = 0;
	const pg_wchar *characters = read_characters(value, &count);

	for (int i = 0; i < count; i++)
		if (is_mark(characters[i]))
			return true;
	return false;
}

bool
readable_has_blank_end(const text *value)
{
	int count = 0;
	const pg_wchar *characters = read_characters(value, &count);

	return count > 0 && (is_blank(characters[0]) || is_blank(characters[count - 1]));
}

int
readable_depth(Jsonb *value)
{
	JsonbIterator *iterator = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue part;
	int depth = 0;
	int deepest = 0;

	while ((token = JsonbIteratorNext(&iterator, &part, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY)
			depth++;
		else if (token == WJB_END_OBJECT || token == WJB_END_ARRAY)
			depth--;
		deepest = Max(deepest, depth);
	}
	return deepest;
}

static int
count_digits(Numeric number)
{
	const char *at = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	int digits = 0;

	for (; *at != '\0'; at++)
		digits += *at >= '0' && *at <= '9';
	return digits;
}

int
readable_digits(Jsonb *value)
{
	JsonbIterator *iterator = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue part;
	int longest = 0;

	while ((token = JsonbIteratorNext(&iterator, &part, false)) != WJB_DONE)
		if ((token == WJB_VALUE || token == WJB_ELEM) && part.type == jbvNumeric)
			longest = Max(longest, count_digits(part.val.numeric));
	return longest;
}
