/*
 * transfers.c
 *		Reads the items with jansson and writes array literals.
 */
#include "transfers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/value.h"

typedef struct TransferMember
{
	const char *name;
	EndpointParse parse;
	bool is_required;
} TransferMember;

/* In the order of the values. */
static const TransferMember transfer_members[TRANSFERS_VALUE_COUNT] = {
	{"from_wallet_id", endpoint_uuid_parse, true},
	{"to_wallet_id", endpoint_uuid_parse, true},
	{"amount", endpoint_amount_parse, true},
	{"idempotency_key", endpoint_text_parse, false},
};

typedef struct ArrayLiteral
{
	FILE *out;
	char *text;
	size_t bytes;
} ArrayLiteral;

static void
element_print(FILE *out, size_t index, const char *value)
{
	fputs(index > 0 ? "," : "", out);
	if (value == NULL)
	{
		fputs("NULL", out);
		return;
	}
	fputc('"', out);
	for (; *value != '\0'; value++)
	{
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

/* A value of jansson as an endpoint sees one; number is room for an integer. */
static EndpointInput
input_of(const json_t *given, char number[32])
{
	switch (json_typeof(given))
	{
		case JSON_STRING:
			return (EndpointInput){JSON_STRING_VALUE, json_string_value(given),
								   json_string_length(given)};
		case JSON_INTEGER:
			snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(given));
			return (EndpointInput){JSON_NUMBER_VALUE, number, strlen(number)};
		case JSON_REAL:
			return (EndpointInput){JSON_NUMBER_VALUE, ".", 1};
		default:
			return (EndpointInput){JSON_NULL_VALUE, "", 0};
	}
}

/* The reason, or NULL. */
static const char *
item_parse(const json_t *item, size_t index, ArrayLiteral *arrays, size_t member_count)
{
	static _Thread_local char reason[256];
	size_t known = 0;

	if (!json_is_object(item))
		return "must be an array of objects";
	for (size_t i = 0; i < member_count; i++)
	{
		const TransferMember *member = &transfer_members[i];
		const json_t *given = json_object_get(item, member->name);
		char *value = NULL;
		const char *wrong = NULL;
		char number[32];

		known += given != NULL;
		if (given != NULL && !json_is_null(given))
		{
			EndpointInput input = input_of(given, number);

			wrong = member->parse(&input, &value);
		}
		else if (member->is_required)
			wrong = "is missing";
		if (wrong != NULL)
		{
			snprintf(reason, sizeof(reason), "item %zu: %s %s", index + 1, member->name, wrong);
			return reason;
		}
		element_print(arrays[i].out, index, value);
		free(value);
	}
	if (known == json_object_size(item))
		return NULL;
	snprintf(reason, sizeof(reason),
			 "item %zu has a member other than from_wallet_id, to_wallet_id%s", index + 1,
			 member_count == LEGS_VALUE_COUNT ? " and amount" : ", amount and idempotency_key");
	return reason;
}

static const char *
items_parse(const json_t *items, ArrayLiteral *arrays, size_t member_count)
{
	if (json_array_size(items) == 0)
		return "must have at least one item";
	for (size_t i = 0; i < json_array_size(items); i++)
	{
		const char *wrong = item_parse(json_array_get(items, i), i, arrays, member_count);

		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

static bool
arrays_open(ArrayLiteral *arrays, size_t count)
{
	bool is_open = true;

	for (size_t i = 0; i < count; i++)
	{
		arrays[i].out = open_memstream(&arrays[i].text, &arrays[i].bytes);
		is_open &= arrays[i].out != NULL && fputc('{', arrays[i].out) != EOF;
	}
	return is_open;
}

/* The values are the caller's where all went well. */
static const char *
arrays_close(ArrayLiteral *arrays, size_t count, const char *wrong, char **values)
{
	for (size_t i = 0; i < count; i++)
	{
		if (arrays[i].out != NULL)
		{
			fputc('}', arrays[i].out);
			if (fclose(arrays[i].out) != 0 && wrong == NULL)
				wrong = "are too many for the memory";
		}
		values[i] = arrays[i].text;
	}
	return wrong;
}

static const char *
array_parse(const EndpointInput *input, size_t member_count, char **values)
{
	ArrayLiteral arrays[TRANSFERS_VALUE_COUNT] = {0};
	json_error_t error;
	json_t *items = input->kind == JSON_ARRAY_VALUE
						? json_loadb(input->text, input->length, JSON_REJECT_DUPLICATES, &error)
						: NULL;
	const char *wrong = NULL;

	if (items == NULL)
		return input->kind == JSON_ARRAY_VALUE
				   ? "has a member given twice, or a number that is too large"
				   : "must be an array of objects";
	wrong = arrays_open(arrays, member_count) ? items_parse(items, arrays, member_count)
											  : "are too many for the memory";
	json_decref(items);
	return arrays_close(arrays, member_count, wrong, values);
}

const char *
transfers_parse(const EndpointInput *input, char **values)
{
	return array_parse(input, TRANSFERS_VALUE_COUNT, values);
}

const char *
legs_parse(const EndpointInput *input, char **values)
{
	return array_parse(input, LEGS_VALUE_COUNT, values);
}
