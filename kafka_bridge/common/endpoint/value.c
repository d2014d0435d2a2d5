/*
 * value.c
 *		Checks the form; what a value means is PostgreSQL's to judge.
 */
#include "endpoint/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT_BYTES_MAX 64
#define LIMIT_MAX		 1000
/* Fewer than bigint has: a statement may add to a version. */
#define VERSION_DIGITS_MAX 18
#define CURRENCY_BYTES_MAX 10

/* The reason for lack of memory is never shown: the value is NULL, and the answer 500. */
static const char *
value_set(const EndpointInput *input, char **values)
{
	values[0] = strndup(input->text, input->length);
	return values[0] != NULL ? NULL : "out of memory";
}

/*
 * Whether text has the form of a picture: 9 stands for a digit, x for a hexadecimal digit, other
 * characters for themselves. Returns the first byte behind it, or NULL.
 */
static const char *
picture_match(const char *text, const char *picture)
{
	for (; *picture != '\0'; picture++, text++)
	{
		unsigned char byte = (unsigned char) *text;
		bool fits = *picture == '9'	  ? isdigit(byte) != 0
					: *picture == 'x' ? isxdigit(byte) != 0
									  : byte == (unsigned char) *picture;

		if (!fits)
			return NULL;
	}
	return text;
}

static const char *
digits_skip(const char *text)
{
	return text + strspn(text, "0123456789");
}

const char *
endpoint_text_parse(const EndpointInput *input, char **values)
{
	if (input->kind != JSON_STRING_VALUE)
		return "must be a string";
	return value_set(input, values);
}

const char *
endpoint_key_parse(const EndpointInput *input, char **values)
{
	for (size_t i = 0; i < input->length; i++)
		if (iscntrl((unsigned char) input->text[i]))
			return "must not have control characters";
	return endpoint_text_parse(input, values);
}

const char *
endpoint_uuid_parse(const EndpointInput *input, char **values)
{
	const char *end = picture_match(input->text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");

	if (input->kind != JSON_STRING_VALUE || end == NULL || *end != '\0')
		return "must be a UUID";

	const char *reason = value_set(input, values);

	/* As PostgreSQL prints it: an answer may repeat it beside those that come from there. */
	for (char *at = values[0]; at != NULL && *at != '\0'; at++)
		*at = (char) tolower((unsigned char) *at);
	return reason;
}

static bool
text_is_decimal(const char *text)
{
	const char *at = text + (*text == '-' || *text == '+');
	const char *end = digits_skip(at);

	if (end == at)
		return false;
	if (*end == '.')
	{
		at = end + 1;
		end = digits_skip(at);
		if (end == at)
			return false;
	}
	return *end == '\0';
}

const char *
endpoint_amount_parse(const EndpointInput *input, char **values)
{
	if (input->kind == JSON_NUMBER_VALUE && strpbrk(input->text, ".eE") != NULL)
		return "must be a string such as \"100.10\", or an integer: a JSON number with a fraction "
			   "may have been rounded before it was sent";
	if ((input->kind != JSON_STRING_VALUE && input->kind != JSON_NUMBER_VALUE) ||
		!text_is_decimal(input->text))
		return "must be a decimal number, as a string such as \"100.10\" or as an integer";
	if (input->length > AMOUNT_BYTES_MAX)
		return "has too many digits";
	return value_set(input, values);
}

const char *
endpoint_interval_parse(const EndpointInput *input, char **values)
{
	if (input->kind != JSON_STRING_VALUE)
		return "must be a string such as \"7 days\"";
	for (const char *at = input->text; *at != '\0';)
	{
		if (!isdigit((unsigned char) *at))
		{
			at++;
			continue;
		}
		at += strspn(at, "0123456789.");
		at += strspn(at, " ");
		if (!isalpha((unsigned char) *at))
			return "needs a unit behind each number, as in \"7 days\" or \"90 minutes\"";
	}
	return value_set(input, values);
}

const char *
endpoint_boolean_parse(const EndpointInput *input, char **values)
{
	if (input->kind != JSON_BOOLEAN_VALUE)
		return "must be true or false";
	return value_set(input, values);
}

const char *
endpoint_object_parse(const EndpointInput *input, char **values)
{
	if (input->kind != JSON_OBJECT_VALUE)
		return "must be an object";
	return value_set(input, values);
}

const char *
endpoint_if_match_parse(const EndpointInput *input, char **values)
{
	const char *end = input->text[0] == '"' ? digits_skip(input->text + 1) : input->text;

	if (strcmp(input->text, "*") == 0)
		return NULL;
	if (end == input->text || end == input->text + 1 || strcmp(end, "\"") != 0)
		return "must be one entity tag, the wallet's version in quotes, or *";
	values[0] = strndup(input->text + 1, input->length - 2);
	return values[0] != NULL ? NULL : "out of memory";
}

const char *
endpoint_version_parse(const EndpointInput *input, char **values)
{
	if (input->length == 0 || input->length > VERSION_DIGITS_MAX ||
		*digits_skip(input->text) != '\0')
		return "must be a number of a version";
	return value_set(input, values);
}

const char *
endpoint_currency_parse(const EndpointInput *input, char **values)
{
	static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (input->length == 0 || input->length > CURRENCY_BYTES_MAX ||
		strspn(input->text, symbols) != input->length)
		return "must be a currency, such as USD";
	return value_set(input, values);
}

const char *
endpoint_words_parse(const EndpointInput *input, char **values)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	for (const char *at = input->text;; at++)
	{
		size_t bytes = strspn(at, letters);

		at += bytes;
		if (bytes == 0 || (*at != ',' && *at != '\0'))
			return "must be words of A-Z and _, separated by commas";
		if (*at == '\0')
			break;
	}
	return asprintf(values, "{%s}", input->text) >= 0 ? NULL : "out of memory";
}

const char *
endpoint_limit_parse(const EndpointInput *input, char **values)
{
	char text[16];
	int limit = atoi(input->text);

	if (input->length == 0 || input->length > 4 || *digits_skip(input->text) != '\0' || limit < 1 ||
		limit > LIMIT_MAX)
		return "must be a number from 1 to 1000";
	snprintf(text, sizeof(text), "%d", limit + 1);
	values[0] = strdup(text);
	return values[0] != NULL ? NULL : "out of memory";
}

/* Z, or the offset from UTC; a + that was not encoded has become a blank on its way. */
static bool
zone_is_valid(const char *text)
{
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (strchr("+- ", text[0]) == NULL || text[0] == '\0')
		return false;

	const char *end = picture_match(text + 1, "99:99");

	return end != NULL && *end == '\0';
}

const char *
endpoint_time_parse(const EndpointInput *input, char **values)
{
	const char *day = picture_match(input->text, "9999-99-99");
	const char *second = day != NULL && *day != '\0' && strchr("Tt ", *day)
							 ? picture_match(day + 1, "99:99:99")
							 : NULL;

	if (second != NULL && *second == '.' && isdigit((unsigned char) second[1]))
		second = digits_skip(second + 1);
	if (day == NULL || (*day != '\0' && (second == NULL || !zone_is_valid(second))))
		return "must be a time such as 2026-01-31T23:59:59Z, or a day such as 2026-01-31";

	const char *reason = value_set(input, values);

	if (reason == NULL && second != NULL && *second == ' ')
		values[0][second - input->text] = '+';
	return reason;
}
