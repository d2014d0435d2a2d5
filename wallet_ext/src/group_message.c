/*
 * group_message.c
 *		What a grouped transfer asks and is told, as bytes in shared memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"

#include "group_area.h"
#include "group_message.h"
#include "guc.h"

/* The names of the arguments that hold the sides are the operation's. */
#define OPERATION	  "wallet_transfer"
#define FROM_ARGUMENT "from_wallet_id"
#define TO_ARGUMENT	  "to_wallet_id"

/* Behind it come the strings of the caller, each with its end, then aligned the key and the
 * metadata as they are in memory; where there is none its length is 0. */
typedef struct Stored
{
	pg_uuid_t from_wallet_id;
	pg_uuid_t to_wallet_id;
	Money amount;
	OptionalInteger expected_version;
	bool seals;
	int durability;
	int clock_offset;
	int caller_bytes;
	int key_bytes;
	int metadata_bytes;
} Stored;

GroupMessage
group_message(const Request *request)
{
	GroupMessage message = {
		.request = *request,
		.caller = ledger_caller(),
		.seals = guc_seal,
		.durability = synchronous_commit,
	};

#ifdef WALLET_TESTING
	message.clock_offset = guc_test_clock_offset;
#endif
	return message;
}

static int
varlena_bytes(const void *value)
{
	return value == NULL ? 0 : VARSIZE_ANY(value);
}

static void
append_string(StringInfo bytes, const char *string)
{
	appendBinaryStringInfo(bytes, string, strlen(string) + 1);
}

/* What is read there in place must be aligned. */
static void
append_aligned(StringInfo bytes, const void *value, int length)
{
	static const char nothing[MAXIMUM_ALIGNOF] = {0};

	appendBinaryStringInfo(bytes, nothing, MAXALIGN(bytes->len) - bytes->len);
	if (length > 0)
		appendBinaryStringInfo(bytes, value, length);
}

static dsa_pointer
store(const StringInfoData *bytes)
{
	dsa_pointer piece = group_area_allocate(bytes->len);

	if (DsaPointerIsValid(piece))
		memcpy(group_area_address(piece), bytes->data, bytes->len);
	return piece;
}

dsa_pointer
group_message_store(const GroupMessage *message, Size *length)
{
	const Request *request = &message->request;
	StringInfoData bytes;
	Stored stored = {
		.from_wallet_id = *request->from_wallet_id,
		.to_wallet_id = *request->to_wallet_id,
		.amount = request->amount.value,
		.expected_version = request->expected_version,
		.seals = message->seals,
		.durability = message->durability,
		.key_bytes = varlena_bytes(request->idempotency_key),
		.metadata_bytes = varlena_bytes(request->metadata),
	};

#ifdef WALLET_TESTING
	stored.clock_offset = message->clock_offset;
#endif
	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, (const char *) &stored, sizeof(stored));
	append_string(&bytes, message->caller.session_user_name);
	append_string(&bytes, message->caller.current_user_name);
	append_string(&bytes, message->caller.application_name);
	stored.caller_bytes = bytes.len - (int) sizeof(stored);
	memcpy(bytes.data, &stored, sizeof(stored));
	append_aligned(&bytes, request->idempotency_key, stored.key_bytes);
	append_aligned(&bytes, request->metadata, stored.metadata_bytes);
	*length = bytes.len;

	dsa_pointer piece = store(&bytes);

	pfree(bytes.data);
	return piece;
}

/* The next of several strings. */
static char *
next_string(const char **at)
{
	char *string = pstrdup(*at);

	*at += strlen(string) + 1;
	return string;
}

/* A copy of the value at an aligned place; NULL where there is none. */
static void *
read_aligned(const char *start, const char **at, int length)
{
	const char *value = start + MAXALIGN(*at - start);
	void *copy = NULL;

	*at = value + length;
	if (length > 0)
		copy = memcpy(palloc(length), value, length);
	return copy;
}

static pg_uuid_t *
copy_uuid(const pg_uuid_t *id)
{
	return memcpy(palloc(sizeof(*id)), id, sizeof(*id));
}

GroupMessage
group_message_read(dsa_pointer piece)
{
	const char *start = group_area_address(piece);
	const char *at = start + sizeof(Stored);
	Stored stored;

	memcpy(&stored, start, sizeof(stored));

	GroupMessage message = {
		.request =
			{
				.operation = OPERATION,
				.kind = LEDGER_TRANSFER,
				.from_argument = FROM_ARGUMENT,
				.to_argument = TO_ARGUMENT,
				.from_wallet_id = copy_uuid(&stored.from_wallet_id),
				.to_wallet_id = copy_uuid(&stored.to_wallet_id),
				.amount_rule = AMOUNT_REQUIRED,
				.amount = optional_money(stored.amount),
				.expected_version = stored.expected_version,
			},
		.seals = stored.seals,
		.durability = stored.durability,
	};

#ifdef WALLET_TESTING
	message.clock_offset = stored.clock_offset;
#endif
	message.caller.session_user_name = next_string(&at);
	message.caller.current_user_name = next_string(&at);
	message.caller.application_name = next_string(&at);
	Assert(at == start + sizeof(Stored) + stored.caller_bytes);
	message.request.idempotency_key = read_aligned(start, &at, stored.key_bytes);
	message.request.metadata = read_aligned(start, &at, stored.metadata_bytes);
	return message;
}

/* Each string follows a byte that says whether there is one. */
static void
append_optional(StringInfo bytes, const char *string)
{
	appendStringInfoChar(bytes, string != NULL);
	if (string != NULL)
		append_string(bytes, string);
}

static char *
next_optional(const char **at)
{
	bool is_there = *(*at)++ != 0;

	return is_there ? next_string(at) : NULL;
}

dsa_pointer
group_text_store(const GroupText *text)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	append_string(&bytes, text->message);
	append_optional(&bytes, text->detail);
	append_optional(&bytes, text->hint);

	dsa_pointer piece = store(&bytes);

	pfree(bytes.data);
	return piece;
}

GroupText
group_text_take(dsa_pointer piece)
{
	const char *at = group_area_address(piece);
	GroupText text = {.message = next_string(&at)};

	text.detail = next_optional(&at);
	text.hint = next_optional(&at);
	group_area_free(piece);
	return text;
}
