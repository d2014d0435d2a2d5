/*
 * transfers.c
 *		One pass over the array: each item is checked and printed into the array literals.
 */
#include "transfers.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/array.h"
#include "endpoint/value.h"

/* Those of other transfers are larger than what PostgreSQL reads in any case, or than is usual. */
#define JOIN_VERSION_DIGITS_MAX 18
#define JOIN_METADATA_BYTES_MAX 1024

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

/* One array of transfers while it is read. */
typedef struct Items
{
	EndpointArray arrays[TRANSFERS_VALUE_COUNT];
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
		endpoint_array_add(&items->arrays[i], value);
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

static const char *
items_parse(const EndpointInput *input, size_t member_count, char **values)
{
	Items items = {.member_count = member_count, .reason = input->reason};

	if (input->kind != JSON_ARRAY_VALUE)
		return "must be an array of objects";

	const char *wrong = json_scan_array(input->text, input->length, item_take, &items);

	if (wrong == NULL && items.count == 0)
		wrong = "must have at least one item";
	for (size_t i = 0; i < member_count; i++)
	{
		values[i] = endpoint_array_end(&items.arrays[i]);
		if (values[i] == NULL && wrong == NULL)
			wrong = "are too many for the memory";
	}
	return wrong;
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

/* jsonb refuses a number that numeric can't hold; only an exponent makes a short one so large. */
static bool
metadata_can_join(const char *text)
{
	if (strlen(text) > JOIN_METADATA_BYTES_MAX)
		return false;
	for (const char *at = text; *at != '\0'; at++)
		if (isdigit((unsigned char) at[0]) && (at[1] == 'e' || at[1] == 'E'))
			return false;
	return true;
}

/* A header is not known to be UTF-8. */
static bool
key_can_join(const char *key)
{
	for (; *key != '\0'; key++)
		if ((unsigned char) *key > '~')
			return false;
	return true;
}

bool
transfer_can_join(const char *const *values)
{
	const char *key = values[3];
	const char *version = values[4];
	const char *metadata = values[5];

	return (key == NULL || key_can_join(key)) &&
		   (version == NULL || strlen(version) <= JOIN_VERSION_DIGITS_MAX) &&
		   (metadata == NULL || metadata_can_join(metadata));
}
