/*
 * frame_writer.c
 *		The frames of wallet_event.h, appended to a buffer.
 */
#include "frame_writer.h"

#include "wallet_event.h"

/* Room for any frame without its JSON or reason. */
#define FRAME_FIXED_BYTES_MAX (WALLET_FRAME_LENGTH_BYTES + 1 + WALLET_EVENT_BYTES)

static int64
time_get_unix(TimestampTz time)
{
	return time + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

/* Starts a frame of that type with room for its fixed part; the cursor is out->len. */
static int
frame_open(StringInfo out, char type)
{
	int frame_start = out->len;

	enlargeStringInfo(out, FRAME_FIXED_BYTES_MAX);
	out->data[frame_start + WALLET_FRAME_LENGTH_BYTES] = type;
	out->len += WALLET_FRAME_LENGTH_BYTES + 1;
	return frame_start;
}

static void
frame_close(StringInfo out, int frame_start)
{
	int length = out->len - frame_start - WALLET_FRAME_LENGTH_BYTES;

	Assert(length + WALLET_FRAME_LENGTH_BYTES <= WALLET_FRAME_BYTES_MAX);
	wallet_put_uint32(out->data + frame_start, (uint32) length);
}

static void
uint32_put(StringInfo out, uint32 value)
{
	wallet_put_uint32(out->data + out->len, value);
	out->len += sizeof(value);
}

static void
uint64_put(StringInfo out, uint64 value)
{
	wallet_put_uint64(out->data + out->len, value);
	out->len += sizeof(value);
}

static void
id_put(StringInfo out, const char id[WALLET_UUID_TEXT_BYTES])
{
	memcpy(out->data + out->len, id, WALLET_UUID_TEXT_BYTES);
	out->len += WALLET_UUID_TEXT_BYTES;
}

/* What EVENT, ERROR and TRANSIT have in common. */
static int
entry_open(StringInfo out, char type, uint32 ordinal, const EventKey *key)
{
	int frame_start = frame_open(out, type);

	uint32_put(out, ordinal);
	id_put(out, key->wallet_id);
	id_put(out, key->event_id);
	uint64_put(out, (uint64) key->created_at);
	return frame_start;
}

void
frame_begin_append(StringInfo out, int protocol_version, TransactionId xid, XLogRecPtr commit_lsn,
				   XLogRecPtr end_lsn, TimestampTz commit_time)
{
	int frame_start = frame_open(out, WALLET_FRAME_BEGIN);

	out->data[out->len++] = (char) protocol_version;
	uint32_put(out, xid);
	uint64_put(out, commit_lsn);
	uint64_put(out, end_lsn);
	uint64_put(out, (uint64) time_get_unix(commit_time));
	frame_close(out, frame_start);
}

int
frame_event_open(StringInfo out, uint32 ordinal, const EventKey *key)
{
	return entry_open(out, WALLET_FRAME_EVENT, ordinal, key);
}

int
frame_transit_open(StringInfo out, uint32 ordinal, const EventKey *key)
{
	return entry_open(out, WALLET_FRAME_TRANSIT, ordinal, key);
}

void
frame_event_close(StringInfo out, int frame_start)
{
	frame_close(out, frame_start);
}

void
frame_event_drop(StringInfo out, int frame_start)
{
	out->len = frame_start;
}

void
frame_error_append(StringInfo out, uint32 ordinal, const EventKey *key, const EventError *error)
{
	int frame_start = entry_open(out, WALLET_FRAME_ERROR, ordinal, key);

	appendStringInfoString(out, error->reason);
	frame_close(out, frame_start);
}

void
frame_commit_append(StringInfo out, XLogRecPtr commit_lsn, XLogRecPtr end_lsn,
					TimestampTz commit_time, uint32 event_count)
{
	int frame_start = frame_open(out, WALLET_FRAME_COMMIT);

	uint64_put(out, commit_lsn);
	uint64_put(out, end_lsn);
	uint64_put(out, (uint64) time_get_unix(commit_time));
	uint32_put(out, event_count);
	frame_close(out, frame_start);
}

void
frame_hold_append(StringInfo out, XLogRecPtr position)
{
	int frame_start = frame_open(out, WALLET_FRAME_HOLD);

	uint64_put(out, position);
	frame_close(out, frame_start);
}
