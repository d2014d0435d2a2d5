/*
 * frame_reader.h
 *		Reads the decoder's frames out of the payload of a replication message.
 *
 * Pure: no I/O, no allocation; what a frame points to lies in the caller's message. The layout is
 * wallet_event.h. Checks all that the contract promises (protocol version, ordinals without a gap,
 * count and position of COMMIT), because a bridge that misreads one frame would lose money quietly.
 *
 * Legal order: init once per stream; then per message: start, next until it answers FRAME_NONE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FrameKind
{
	FRAME_NONE, /* the message is used up */
	FRAME_BEGIN,
	FRAME_EVENT,
	FRAME_ERROR,
	FRAME_TRANSIT, /* a message that settles a transfer between databases */
	FRAME_COMMIT,
	FRAME_MALFORMED /* reason says what; the stream cannot be trusted any further */
} FrameKind;

typedef struct Frame
{
	uint64_t commit_lsn;   /* BEGIN, COMMIT */
	uint64_t end_lsn;	   /* BEGIN, COMMIT */
	int64_t commit_time;   /* BEGIN, COMMIT: microseconds since 1970 */
	uint32_t xid;		   /* BEGIN */
	uint32_t ordinal;	   /* EVENT, ERROR, TRANSIT; COMMIT: how many there were */
	uint32_t transits;	   /* COMMIT: of them, how many are TRANSIT */
	int64_t created_at;	   /* EVENT, ERROR, TRANSIT: microseconds since 1970 */
	const char *wallet_id; /* EVENT, ERROR; TRANSIT: that it goes to; 36 characters, unterminated */
	const char *event_id;  /* EVENT, ERROR; TRANSIT: the transit's; 36 characters, unterminated */
	const char *text;	   /* EVENT, TRANSIT: the JSON; ERROR: the reason; no terminator */
	size_t text_bytes;
	uint32_t transaction_events; /* EVENT: how many the transaction has, 0: not known (yet) */
} Frame;

typedef struct FrameReader
{
	const char *data; /* the message, not owned */
	size_t bytes;
	size_t at;
	bool in_transaction;
	uint64_t commit_lsn; /* of the transaction being read */
	uint64_t end_lsn;
	uint32_t next_ordinal;
	uint32_t transits; /* of the transaction, so far */
	uint64_t
		held_until;	  /* what ends at or before it may come later than a keepalive that names it */
	char reason[160]; /* why FRAME_MALFORMED */
} FrameReader;

/* A stream starts: no message, outside a transaction. */
void frame_reader_init(FrameReader *reader);

/* Takes the next message; it must stay valid until frame_reader_next answers FRAME_NONE. */
void frame_reader_start(FrameReader *reader, const char *data, size_t bytes);

/* Reads the next frame into *frame. */
FrameKind frame_reader_next(FrameReader *reader, Frame *frame);
