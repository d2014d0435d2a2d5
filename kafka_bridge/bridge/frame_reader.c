/*
 * frame_reader.c
 *		Reads the decoder's frames out of the payload of a replication message.
 *
 * Every length is checked before a byte behind it is read. The first violation of the contract ends
 * the stream: what follows it cannot be told apart from rubbish.
 */
#include "frame_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "wallet_event.h"

void
frame_reader_init(FrameReader *reader)
{
	*reader = (FrameReader){0};
}

void
frame_reader_start(FrameReader *reader, const char *data, size_t bytes)
{
	reader->data = data;
	reader->bytes = bytes;
	reader->at = 0;
}

static FrameKind __attribute__((format(printf, 2, 3)))
frame_refuse(FrameReader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->reason, sizeof(reader->reason), format, arguments);
	va_end(arguments);
	return FRAME_MALFORMED;
}

static FrameKind
frame_read_begin(FrameReader *reader, const char *body, size_t bytes, Frame *frame)
{
	/* The version comes first: the rest of another version's BEGIN may look different. */
	if (bytes > 0 && ((unsigned char) body[0] < WALLET_PROTOCOL_VERSION_FIRST ||
					  (unsigned char) body[0] > WALLET_PROTOCOL_VERSION))
		return frame_refuse(reader, "protocol version %u, this program reads versions %d to %d",
							(unsigned) (unsigned char) body[0], WALLET_PROTOCOL_VERSION_FIRST,
							WALLET_PROTOCOL_VERSION);
	if (bytes != WALLET_BEGIN_BYTES)
		return frame_refuse(reader, "BEGIN of %zu bytes", bytes);
	if (reader->in_transaction)
		return frame_refuse(reader, "BEGIN inside a transaction");
	frame->xid = wallet_get_uint32(body + 1);
	frame->commit_lsn = wallet_get_uint64(body + 5);
	frame->end_lsn = wallet_get_uint64(body + 13);
	frame->commit_time = (int64_t) wallet_get_uint64(body + 21);
	if (frame->end_lsn <= frame->commit_lsn)
		return frame_refuse(reader, "BEGIN whose end is not after its commit");
	reader->in_transaction = true;
	reader->commit_lsn = frame->commit_lsn;
	reader->end_lsn = frame->end_lsn;
	reader->next_ordinal = 0;
	reader->transits = 0;
	return FRAME_BEGIN;
}

static FrameKind
frame_read_event(FrameReader *reader, FrameKind kind, const char *body, size_t bytes, Frame *frame)
{
	if (!reader->in_transaction)
		return frame_refuse(reader, "event outside a transaction");
	if (bytes < WALLET_EVENT_BYTES)
		return frame_refuse(reader, "event of %zu bytes", bytes);
	frame->ordinal = wallet_get_uint32(body);
	frame->wallet_id = body + 4;
	frame->event_id = frame->wallet_id + WALLET_UUID_TEXT_BYTES;
	frame->created_at = (int64_t) wallet_get_uint64(frame->event_id + WALLET_UUID_TEXT_BYTES);
	frame->text = body + WALLET_EVENT_BYTES;
	frame->text_bytes = bytes - WALLET_EVENT_BYTES;
	if (frame->ordinal != reader->next_ordinal)
		return frame_refuse(reader, "event %u where %u was due", frame->ordinal,
							reader->next_ordinal);
	reader->next_ordinal++;
	reader->transits += kind == FRAME_TRANSIT;
	return kind;
}

static FrameKind
frame_read_commit(FrameReader *reader, const char *body, size_t bytes, Frame *frame)
{
	if (!reader->in_transaction)
		return frame_refuse(reader, "COMMIT outside a transaction");
	if (bytes != WALLET_COMMIT_BYTES)
		return frame_refuse(reader, "COMMIT of %zu bytes", bytes);
	frame->commit_lsn = wallet_get_uint64(body);
	frame->end_lsn = wallet_get_uint64(body + 8);
	frame->commit_time = (int64_t) wallet_get_uint64(body + 16);
	frame->ordinal = wallet_get_uint32(body + 24);
	if (frame->commit_lsn != reader->commit_lsn || frame->end_lsn != reader->end_lsn)
		return frame_refuse(reader, "COMMIT of another transaction than BEGIN's");
	if (frame->ordinal != reader->next_ordinal)
		return frame_refuse(reader, "COMMIT counts %u events where %u came", frame->ordinal,
							reader->next_ordinal);
	frame->transits = reader->transits;
	reader->in_transaction = false;
	return FRAME_COMMIT;
}

/* Between two transactions; noted, and no frame of its own to the caller. */
static bool
hold_read(FrameReader *reader, const char *body, size_t bytes)
{
	uint64_t position = bytes == WALLET_HOLD_BYTES ? wallet_get_uint64(body) : 0;
	bool in_order = !reader->in_transaction && position > reader->held_until;

	if (in_order)
		reader->held_until = position;
	else
		(void) frame_refuse(reader, "HOLD of %zu bytes where none is due", bytes);
	return in_order;
}

FrameKind
frame_reader_next(FrameReader *reader, Frame *frame)
{
	*frame = (Frame){0};
	if (reader->at == reader->bytes)
		return FRAME_NONE;

	size_t left = reader->bytes - reader->at;

	if (left < WALLET_FRAME_LENGTH_BYTES + 1)
		return frame_refuse(reader, "message ends inside a frame's header");

	const char *at = reader->data + reader->at;
	uint32_t length = wallet_get_uint32(at);

	if (length == 0 || length > WALLET_FRAME_BYTES_MAX)
		return frame_refuse(reader, "frame of %u bytes", length);
	if (length > left - WALLET_FRAME_LENGTH_BYTES)
		return frame_refuse(reader, "message ends inside a frame");

	char type = at[WALLET_FRAME_LENGTH_BYTES];
	const char *body = at + WALLET_FRAME_LENGTH_BYTES + 1;

	reader->at += WALLET_FRAME_LENGTH_BYTES + length;
	if (type == WALLET_FRAME_HOLD)
		return hold_read(reader, body, length - 1) ? frame_reader_next(reader, frame)
												   : FRAME_MALFORMED;
	switch (type)
	{
		case WALLET_FRAME_BEGIN:
			return frame_read_begin(reader, body, length - 1, frame);
		case WALLET_FRAME_EVENT:
			return frame_read_event(reader, FRAME_EVENT, body, length - 1, frame);
		case WALLET_FRAME_ERROR:
			return frame_read_event(reader, FRAME_ERROR, body, length - 1, frame);
		case WALLET_FRAME_TRANSIT:
			return frame_read_event(reader, FRAME_TRANSIT, body, length - 1, frame);
		case WALLET_FRAME_COMMIT:
			return frame_read_commit(reader, body, length - 1, frame);
		default:
			return frame_refuse(reader, "frame of unknown type %d", (int) type);
	}
}
