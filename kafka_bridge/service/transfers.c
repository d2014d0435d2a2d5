/*
 * transfers.c
 *		One pass over the array: each item is checked and printed into the array literals.
 */
#include "transfers.h"

#include <stdbool.h>
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

/* One array of transfers while it is read. */
typedef struct Items
{
	ArrayLiteral arrays[TRANSFERS_VALUE_COUNT];
	size_t member_count; /* of transfer_members, from the first */
	size_t count;
	char *reason; /* room of ENDPOINT_REASON_BYTES */
} Items;

/* The members of one item. */
typedef struct Item
{
	size_t member_count;
	JsonMember members[TRANSFERS_VALUE_COUNT];
	bool is_given[TRANSFERS_VALUE_COUNT];
	bool has_stranger;
} Item;

/* JsonMemberFunction of an item. */
static const char *
member_take(const JsonMember *member, void *context)
{
	Item *item = context;

	for (size_t i = 0; i < item->member_count; i++)
	{
		if (!json_string_equals(member->name, transfer_members[i].name))
			continue;
		if (item->is_given[i])
			return "has a member given twice";
		item->is_given[i] = true;
		item->members[i] = *member;
		return NULL;
	}
	item->has_stranger = true;
	return NULL;
}

/* Parses a member's text, of a string without its escapes. The reason, or NULL. */
static const char *
member_parse(const JsonMember *member, EndpointParse parse, char **value)
{
	char *text = malloc(member->value.length + 1);
	EndpointInput input = {member->kind, text, member->value.length};
	const char *wrong;

	if (text == NULL)
		return "is too large for the memory";
	if (member->kind == JSON_STRING_VALUE)
		input.length = json_string_decode(member->value, text);
	else
		memcpy(text, member->value.bytes, member->value.length);
	text[input.length] = '\0';
	wrong = parse(&input, value);
	free(text);
	return wrong;
}

static const char *
item_refuse(const Items *items, const char *member, const char *wrong)
{
	snprintf(items->reason, ENDPOINT_REASON_BYTES, "item %zu%s%s %s", items->count,
			 member[0] != '\0' ? ": " : "", member, wrong);
	return items->reason;
}

/* JsonMemberFunction of the array: an element becomes one element of each literal. */
static const char *
item_take(const JsonMember *element, void *context)
{
	Items *items = context;
	Item item = {.member_count = items->member_count};
	const char *wrong;

	if (element->kind != JSON_OBJECT_VALUE)
		return "must be an array of objects";
	items->count++;
	wrong = json_scan_object(element->value.bytes, element->value.length, member_take, &item);
	if (wrong != NULL)
		return item_refuse(items, "", wrong);
	for (size_t i = 0; i < items->member_count; i++)
	{
		const TransferMember *member = &transfer_members[i];
		char *value = NULL;

		if (item.is_given[i] && item.members[i].kind != JSON_NULL_VALUE)
			wrong = member_parse(&item.members[i], member->parse, &value);
		else if (member->is_required)
			wrong = "is missing";
		if (wrong != NULL)
			return item_refuse(items, member->name, wrong);
		element_print(items->arrays[i].out, items->count - 1, value);
		free(value);
	}
	if (!item.has_stranger)
		return NULL;
	return item_refuse(items, "",
					   items->member_count == LEGS_VALUE_COUNT
						   ? "has a member other than from_wallet_id, to_wallet_id and amount"
						   : "has a member other than from_wallet_id, to_wallet_id, amount and "
							 "idempotency_key");
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
items_parse(const EndpointInput *input, size_t member_count, char **values)
{
	Items items = {.member_count = member_count, .reason = input->reason};
	const char *wrong = "are too many for the memory";

	if (input->kind != JSON_ARRAY_VALUE)
		return "must be an array of objects";
	if (arrays_open(items.arrays, member_count))
		wrong = json_scan_array(input->text, input->length, item_take, &items);
	if (wrong == NULL && items.count == 0)
		wrong = "must have at least one item";
	return arrays_close(items.arrays, member_count, wrong, values);
}

const char *
transfers_parse(const EndpointInput *input, char **values)
{
	return items_parse(input, TRANSFERS_VALUE_COUNT, values);
}

const char *
legs_parse(const EndpointInput *input, char **values)
{
	return items_parse(input, LEGS_VALUE_COUNT, values);
}
