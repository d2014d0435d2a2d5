/*
 * event_row.c
 *		COPY text format: columns end with a tab, rows with a line feed; these two, carriage return
 *		and backslash are escaped by a backslash.
 */
#include "event_row.h"

#include <stdio.h>
#include <string.h>

#define COLUMN_COUNT	   9
#define VERSION_DIGITS_MAX 20

static char *
column_put(char *to, const char *bytes, size_t length)
{
	memcpy(to, bytes, length);
	to[length] = '\t';
	return to + length + 1;
}

static char *
column_put_escaped(char *to, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		char byte = bytes[i];

		if (byte == '\\' || byte == '\t' || byte == '\n' || byte == '\r')
		{
			*to++ = '\\';
			byte = byte == '\t' ? 't' : byte == '\n' ? 'n' : byte == '\r' ? 'r' : '\\';
		}
		*to++ = byte;
	}
	*to++ = '\t';
	return to;
}

/* JSON rarely has anything to escape between its first and last byte. */
static char *
json_put(char *to, JsonSlice json)
{
	if (memchr(json.bytes, '\\', json.length) == NULL &&
		memchr(json.bytes, '\n', json.length) == NULL &&
		memchr(json.bytes, '\t', json.length) == NULL &&
		memchr(json.bytes, '\r', json.length) == NULL)
		return column_put(to, json.bytes, json.length);
	return column_put_escaped(to, json.bytes, json.length);
}

/* A JSON string without its JSON escapes, with those of COPY. */
static char *
string_put(char *to, JsonSlice string)
{
	if (memchr(string.bytes, '\\', string.length) == NULL)
		return column_put(to, string.bytes, string.length);

	/* Decoded into the far half of the room, then escaped from there to where it belongs. */
	char *decoded = to + string.length + 1;
	size_t length = json_string_decode(string, decoded);

	memmove(decoded + string.length - length, decoded, length);
	return column_put_escaped(to, decoded + string.length - length, length);
}

bool
event_row_append(Buffer *rows, const Event *event)
{
	size_t strings = event->user_id.length + event->event_type.length;
	size_t fixed = event->amount.length + event->created_at.length + 3 * EVENT_UUID_TEXT_BYTES +
				   VERSION_DIGITS_MAX;

	if (!buffer_reserve(rows, fixed + 2 * strings + 2 * event->record.length + COLUMN_COUNT + 1))
		return false;

	char *to = rows->bytes + rows->length;

	to = column_put(to, event->event_id.bytes, event->event_id.length);
	to = column_put(to, event->wallet_id.bytes, event->wallet_id.length);
	to = string_put(to, event->user_id);
	to = column_put(to, event->amount.bytes, event->amount.length);
	to = string_put(to, event->event_type);
	to = column_put(to, event->transaction_id.bytes, event->transaction_id.length);
	to = column_put(to, event->created_at.bytes, event->created_at.length);
	to = json_put(to, event->record);
	to += snprintf(to, VERSION_DIGITS_MAX + 1, "%lld", (long long) event->version);
	*to++ = '\n';
	rows->length = (size_t) (to - rows->bytes);
	return true;
}
