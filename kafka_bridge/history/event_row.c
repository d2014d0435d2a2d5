/*
 * event_row.c
 *		COPY binary format: the number of columns in 16 bits, then each column's length in 32 bits
 *		and its bytes as the type's receive function reads them; integers big-endian.
 */
#include "event_row.h"

#include <string.h>

#include "wallet_event.h"

#define COLUMN_COUNT	   9
#define LENGTH_BYTES	   4
#define NUMERIC_DIGITS_MAX 5 /* of base 10000: 15 decimal digits before the point, 4 behind it */
#define NUMERIC_BYTES_MAX  (8 + 2 * NUMERIC_DIGITS_MAX)
#define NUMERIC_SCALE	   4
#define JSONB_VERSION	   1
#define FIXED_BYTES \
	(2 + COLUMN_COUNT * LENGTH_BYTES + 3 * EVENT_UUID_BYTES + NUMERIC_BYTES_MAX + 8 + 1 + 8)

/* From 1970-01-01 to 2000-01-01, where PostgreSQL's time begins. */
#define POSTGRES_EPOCH_US INT64_C(946684800000000)

static char *
int16_put(char *to, unsigned value)
{
	to[0] = (char) (value >> 8 & 0xFF);
	to[1] = (char) (value & 0xFF);
	return to + 2;
}

static char *
column_put(char *to, const void *bytes, size_t length)
{
	wallet_put_uint32(to, (uint32_t) length);
	memcpy(to + LENGTH_BYTES, bytes, length);
	return to + LENGTH_BYTES + length;
}

static char *
int64_put(char *to, int64_t value)
{
	char bytes[8];

	wallet_put_uint64(bytes, (uint64_t) value);
	return column_put(to, bytes, sizeof(bytes));
}

/* A JSON string without its escapes, which can only be longer. */
static char *
string_put(char *to, JsonSlice string)
{
	if (memchr(string.bytes, '\\', string.length) == NULL)
		return column_put(to, string.bytes, string.length);

	size_t length = json_string_decode(string, to + LENGTH_BYTES);

	wallet_put_uint32(to, (uint32_t) length);
	return to + LENGTH_BYTES + length;
}

static char *
json_put(char *to, JsonSlice json)
{
	wallet_put_uint32(to, (uint32_t) json.length + 1);
	to[LENGTH_BYTES] = JSONB_VERSION;
	memcpy(to + LENGTH_BYTES + 1, json.bytes, json.length);
	return to + LENGTH_BYTES + 1 + json.length;
}

/* "123456.7890": digits of base 10000, those of zero at either end left out. */
static char *
amount_put(char *to, JsonSlice amount)
{
	size_t point = amount.length - 1 - NUMERIC_SCALE;
	size_t group_count = (point + 3) / 4 + 1;
	unsigned groups[NUMERIC_DIGITS_MAX] = {0};
	size_t first = 0;
	size_t last = group_count;
	size_t place = 4 * (group_count - 1) - point; /* of the first decimal in its group */

	for (size_t i = 0; i < amount.length; i++)
		if (i != point)
		{
			groups[place / 4] = groups[place / 4] * 10 + (unsigned) (amount.bytes[i] - '0');
			place++;
		}
	while (first < group_count && groups[first] == 0)
		first++;
	while (last > first && groups[last - 1] == 0)
		last--;
	wallet_put_uint32(to, (uint32_t) (8 + 2 * (last - first)));
	to = int16_put(to + LENGTH_BYTES, (unsigned) (last - first));
	/* The power of 10000 of the first digit: that of the decimals is -1. */
	to = int16_put(to, last == first ? 0 : (unsigned) (group_count - 2 - first));
	to = int16_put(to, 0); /* positive */
	to = int16_put(to, NUMERIC_SCALE);
	for (size_t i = first; i < last; i++)
		to = int16_put(to, groups[i]);
	return to;
}

bool
event_row_append(Buffer *rows, const Event *event)
{
	if (!buffer_reserve(rows, FIXED_BYTES + event->user_id.length + event->event_type.length +
								  event->record.length))
		return false;

	char *to = rows->bytes + rows->length;

	to = int16_put(to, COLUMN_COUNT);
	to = column_put(to, event->id.bytes, EVENT_UUID_BYTES);
	to = column_put(to, event->wallet.bytes, EVENT_UUID_BYTES);
	to = string_put(to, event->user_id);
	to = amount_put(to, event->amount);
	to = string_put(to, event->event_type);
	to = column_put(to, event->transaction.bytes, EVENT_UUID_BYTES);
	to = int64_put(to, event->created_at_us - POSTGRES_EPOCH_US);
	to = json_put(to, event->record);
	to = int64_put(to, event->version);
	rows->length = (size_t) (to - rows->bytes);
	return true;
}
