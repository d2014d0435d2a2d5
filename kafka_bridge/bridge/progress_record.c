/*
 * progress_record.c
 *		The bridge's position as it stands in the progress topic: fields, key and JSON text.
 *
 * Written by hand, read with jansson: what is read may have been edited by an operator.
 */
#include "progress_record.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lsn.h"

static const char *const state_names[] = {
	[PROGRESS_SETUP] = "setup",
	[PROGRESS_STREAMING] = "streaming",
};

size_t
progress_key_write(const ProgressKey *key, char text[PROGRESS_KEY_BYTES])
{
	int bytes = snprintf(text, PROGRESS_KEY_BYTES, "%" PRIu64 "/%" PRIu32 "/%s", key->system_id,
						 key->database_oid, key->slot);

	assert(bytes > 0 && bytes < PROGRESS_KEY_BYTES);
	return (size_t) bytes;
}

/* Names of slots, topics and options, and ids, hold no character that JSON would escape. */
size_t
progress_record_write(const ProgressRecord *record, char text[PROGRESS_VALUE_BYTES])
{
	char lsn[LSN_TEXT_BYTES];
	int bytes =
		snprintf(text, PROGRESS_VALUE_BYTES,
				 "{\"v\":1,\"generation\":%" PRId64
				 ",\"state\":\"%s\",\"lsn\":\"%s\",\"timeline\":%" PRIu32
				 ",\"options\":\"%s\",\"partitions\":%d,\"topic\":\"%s\",\"since\":%" PRId64,
				 record->generation, state_names[record->state], lsn_write(record->lsn, lsn),
				 record->timeline, record->options, record->partition_count, record->topic,
				 record->since_ms);

	if (record->topic_id[0] != '\0')
		bytes += snprintf(text + bytes, PROGRESS_VALUE_BYTES - (size_t) bytes,
						  ",\"topic_id\":\"%s\"", record->topic_id);
	if (record->mark.event_id[0] != '\0')
		bytes += snprintf(text + bytes, PROGRESS_VALUE_BYTES - (size_t) bytes,
						  ",\"mark\":{\"partition\":%" PRId32 ",\"offset\":%" PRId64
						  ",\"event_id\":\"%s\"}",
						  record->mark.partition, record->mark.offset, record->mark.event_id);
	if (record->inside.end_lsn != 0)
		bytes += snprintf(text + bytes, PROGRESS_VALUE_BYTES - (size_t) bytes,
						  ",\"inside\":{\"lsn\":\"%s\",\"events\":%" PRIu32 "}",
						  lsn_write(record->inside.end_lsn, lsn), record->inside.events);
	if (record->event_lsn != 0)
		bytes += snprintf(text + bytes, PROGRESS_VALUE_BYTES - (size_t) bytes,
						  ",\"event_lsn\":\"%s\"", lsn_write(record->event_lsn, lsn));
	bytes += snprintf(text + bytes, PROGRESS_VALUE_BYTES - (size_t) bytes, "}");
	assert(bytes > 0 && bytes < PROGRESS_VALUE_BYTES);
	return (size_t) bytes;
}

bool
progress_key_read(const char *text, size_t bytes, ProgressKey *key)
{
	char copy[PROGRESS_KEY_BYTES];
	int slot_at = 0;

	if (bytes >= sizeof(copy))
		return false;
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	if (sscanf(copy, "%" SCNu64 "/%" SCNu32 "/%n", &key->system_id, &key->database_oid, &slot_at) !=
			2 ||
		slot_at == 0)
		return false;

	size_t slot_bytes = bytes - (size_t) slot_at;

	if (slot_bytes == 0 || slot_bytes >= PROGRESS_SLOT_BYTES)
		return false;
	memcpy(key->slot, copy + slot_at, slot_bytes + 1);
	return true;
}

static bool
text_read(const json_t *object, const char *member, char *text, size_t bytes)
{
	const char *value = json_string_value(json_object_get(object, member));

	if (value == NULL || strlen(value) >= bytes)
		return false;
	strcpy(text, value);
	return true;
}

static bool
number_read(const json_t *object, const char *member, int64_t maximum, int64_t *number)
{
	const json_t *value = json_object_get(object, member);

	if (!json_is_integer(value))
		return false;
	*number = json_integer_value(value);
	return *number >= 0 && *number <= maximum;
}

uint64_t
progress_record_end(const ProgressRecord *record)
{
	return record->inside.end_lsn > record->lsn ? record->inside.end_lsn : record->lsn;
}

void
progress_record_raise(ProgressRecord *record, uint64_t lsn, ProgressInside inside)
{
	ProgressInside *ours = &record->inside;

	if (lsn > record->lsn)
		record->lsn = lsn;
	if (inside.end_lsn > ours->end_lsn ||
		(inside.end_lsn == ours->end_lsn && inside.events > ours->events))
		*ours = inside;
	/* The commit has ended. */
	if (ours->end_lsn <= record->lsn)
		*ours = (ProgressInside){0};
}

uint64_t
progress_record_needs(const ProgressRecord *record)
{
	if (record->inside.end_lsn != 0)
		return record->inside.end_lsn;
	return record->event_lsn != 0 ? record->event_lsn : record->lsn;
}

bool
progress_record_has(const ProgressRecord *record, uint64_t end_lsn, uint32_t ordinal)
{
	return end_lsn <= record->lsn ||
		   (end_lsn == record->inside.end_lsn && ordinal < record->inside.events);
}

static bool
inside_read(const json_t *object, ProgressRecord *record)
{
	const json_t *inside = json_object_get(object, "inside");
	char lsn[LSN_TEXT_BYTES];
	int64_t events = 0;

	if (inside == NULL)
		return true;
	if (!text_read(inside, "lsn", lsn, sizeof(lsn)) || !lsn_read(lsn, &record->inside.end_lsn) ||
		!number_read(inside, "events", UINT32_MAX, &events))
		return false;
	record->inside.events = (uint32_t) events;
	return record->inside.end_lsn > record->lsn;
}

static bool
event_lsn_read(const json_t *object, ProgressRecord *record)
{
	char lsn[LSN_TEXT_BYTES];

	if (json_object_get(object, "event_lsn") == NULL)
		return true;
	return text_read(object, "event_lsn", lsn, sizeof(lsn)) && lsn_read(lsn, &record->event_lsn) &&
		   record->event_lsn <= record->lsn;
}

/* Members that earlier versions did not write. */
static bool
identity_members_read(const json_t *object, ProgressRecord *record)
{
	const json_t *mark = json_object_get(object, "mark");
	int64_t partition = 0;

	if (json_object_get(object, "since") != NULL &&
		!number_read(object, "since", PROGRESS_GENERATION_MAX, &record->since_ms))
		return false;
	if (json_object_get(object, "topic_id") != NULL &&
		!text_read(object, "topic_id", record->topic_id, sizeof(record->topic_id)))
		return false;
	if (mark == NULL)
		return true;
	if (!number_read(mark, "partition", INT32_MAX, &partition) ||
		!number_read(mark, "offset", INT64_MAX, &record->mark.offset) ||
		!text_read(mark, "event_id", record->mark.event_id, sizeof(record->mark.event_id)) ||
		strspn(record->mark.event_id, "0123456789abcdef-") != PROGRESS_EVENT_ID_BYTES - 1)
		return false;
	record->mark.partition = (int32_t) partition;
	return true;
}

static bool
record_members_read(const json_t *object, ProgressRecord *record)
{
	char state[16];
	char lsn[LSN_TEXT_BYTES];
	int64_t timeline;
	int64_t partitions;

	if (!text_read(object, "state", state, sizeof(state)) ||
		!text_read(object, "lsn", lsn, sizeof(lsn)) || !lsn_read(lsn, &record->lsn) ||
		!text_read(object, "options", record->options, sizeof(record->options)) ||
		!text_read(object, "topic", record->topic, sizeof(record->topic)) ||
		!number_read(object, "generation", PROGRESS_GENERATION_MAX, &record->generation) ||
		!number_read(object, "timeline", UINT32_MAX, &timeline) ||
		!number_read(object, "partitions", INT32_MAX, &partitions))
		return false;
	if (strcmp(state, state_names[PROGRESS_SETUP]) == 0)
		record->state = PROGRESS_SETUP;
	else if (strcmp(state, state_names[PROGRESS_STREAMING]) == 0)
		record->state = PROGRESS_STREAMING;
	else
		return false;
	record->timeline = (uint32_t) timeline;
	record->partition_count = (int) partitions;
	return identity_members_read(object, record) && inside_read(object, record) &&
		   event_lsn_read(object, record);
}

bool
progress_record_read(const char *text, size_t bytes, ProgressRecord *record)
{
	*record = (ProgressRecord){0};

	json_t *object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	bool understood = json_is_object(object) && record_members_read(object, record);

	json_decref(object);
	return understood;
}
