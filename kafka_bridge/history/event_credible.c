/*
 * event_credible.c
 *		Cheap proofs against records that only look like events: they could not be taken back.
 */
#include "event_credible.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "uuid5.h"

#define USER_ID_CHARACTERS_MAX 100
#define AHEAD_MAX_US		   (INT64_C(5) * 60 * 1000000)

static const char *const event_types[] = {"CREATED",	 "FUND",		 "WITHDRAW",
										  "TRANSFER_IN", "TRANSFER_OUT", "HOLD",
										  "RELEASE",	 "EXPIRE",		 "CAPTURE_IN",
										  "CAPTURE_OUT", "REVERSAL_IN",	 "REVERSAL_OUT",
										  "STATUS",		 "LIMITS"};

static bool
fault_set(EventFault *fault, EventFaultKind kind, const char *reason)
{
	fault->kind = kind;
	snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
	return false;
}

static bool
id_follows(const Event *event)
{
	char name[UUID5_NAME_BYTES_MAX + 1];
	uint8_t uuid[UUID5_BYTES];
	int length = snprintf(name, sizeof(name), "%" PRId64, event->version);

	uuid5_make(uuid, event->wallet.bytes, name, (size_t) length);
	return memcmp(uuid, event->id.bytes, UUID5_BYTES) == 0;
}

static bool
type_is_known(const Event *event)
{
	for (size_t i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++)
		if (json_string_equals(event->event_type, event_types[i]))
			return true;
	return false;
}

/* Of a JSON string: an escape is one, also the two halves of a surrogate pair. */
static size_t
characters_count(JsonSlice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++)
	{
		unsigned char byte = (unsigned char) text.bytes[i];

		if ((byte & 0xC0) == 0x80)
			continue;
		count++;
		if (byte != '\\' || i + 1 >= text.length)
			continue;
		i++;
		if (text.bytes[i] != 'u' || i + 4 >= text.length)
			continue;
		/* A low surrogate belongs to the high one before it. */
		if ((text.bytes[i + 1] == 'd' || text.bytes[i + 1] == 'D') &&
			strchr("cdefCDEF", text.bytes[i + 2]) != NULL)
			count--;
		i += 4;
	}
	return count;
}

bool
event_is_credible(const Event *event, int64_t now_us, EventFault *fault)
{
	size_t user_id_characters = characters_count(event->user_id);

	if (!type_is_known(event))
		return fault_set(fault, EVENT_FAULT_FIELD, "field event_type is of no entry of the ledger");
	if (user_id_characters < 1 || user_id_characters > USER_ID_CHARACTERS_MAX)
		return fault_set(fault, EVENT_FAULT_FIELD, "field user_id must have 1 to 100 characters");
	if (event->created_at_us > now_us + AHEAD_MAX_US)
		return fault_set(fault, EVENT_FAULT_FIELD,
						 "field created_at lies more than 5 minutes in the future");
	if (!id_follows(event))
		return fault_set(fault, EVENT_FAULT_ID,
						 "event_id is not the UUID version 5 of wallet_id and version");
	return true;
}
