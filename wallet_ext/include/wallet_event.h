/*
 * wallet_event.h
 *		Wire contract between the output plugin wallet_decoder and wallet_bridge.
 *
 * Plain C, no PostgreSQL header: the only header both worlds include.
 *
 * With format=frame every message of the replication stream (the payload of one XLogData) carries
 * one or more whole frames, back to back. A frame is
 *
 *		uint32 length	bytes that follow this field (type and body)
 *		uint8  type		one of WALLET_FRAME_*
 *		body			as below
 *
 * Integers are big-endian. Times are microseconds since 1970-01-01 00:00 UTC. Positions (LSN) are
 * uint64. A transaction is BEGIN, then events, errors and transits with ordinals 0, 1, 2 ... in WAL
 * order, then COMMIT. A transaction without any sends nothing at all. A message never ends inside a
 * frame; a large transaction spans several messages. In version 1 of the protocol a message never
 * holds more than one transaction.
 *
 * In version 2 a walsender that is behind, and only then, sends small transactions together, and
 * says so beforehand: HOLD, between two transactions, is the promise that only those which end at
 * or before its position may still be on their way. A keepalive that names such a position
 * therefore says nothing of what was sent; one beyond it does as ever.
 *
 * From version 3 on a transaction may have TRANSIT frames among its events: the messages by which
 * wallets of several databases settle. They have ordinals like events. A reader of an older version
 * gets them too, and stops at the unknown type: a message passed over would be money in nobody's
 * wallet. Where nothing is transferred between databases there are none.
 *
 *		BEGIN	uint8 protocol version, uint32 xid, uint64 commit LSN, uint64 end LSN,
 *				int64 commit time
 *		EVENT	uint32 ordinal, char[36] wallet id, char[36] event id, int64 created_at, JSON to the
 *		end
 *		ERROR	uint32 ordinal, char[36] wallet id, char[36] event id, int64 created_at, reason
 *				(ASCII, not empty) to the end; each id is 36 '-' and created_at is 0 where it could
 *				not be read
 *		TRANSIT	uint32 ordinal, char[36] id of the wallet that the message goes to, whose last three
 *				hex digits are its bucket, char[36] transit id, int64 created_at, JSON to the end
 *		COMMIT	uint64 commit LSN, uint64 end LSN, int64 commit time, uint32 events, errors and
 *				transits sent
 *		HOLD	uint64 position, never lower than the one before (from version 2 on)
 *
 * "End LSN" is the position after the commit record: what may be confirmed once the whole
 * transaction is durable elsewhere, and where START_REPLICATION goes on without a repetition. BEGIN
 * has it too, because it is part of every event's sequence and events do not wait for their COMMIT.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define WALLET_PROTOCOL_VERSION_FIRST 1 /* a transaction a message */
#define WALLET_PROTOCOL_VERSION_HOLD  2 /* several, and HOLD */
#define WALLET_PROTOCOL_VERSION		  3 /* and TRANSIT */

#define WALLET_FRAME_BEGIN	 'B'
#define WALLET_FRAME_EVENT	 'E'
#define WALLET_FRAME_ERROR	 'X'
#define WALLET_FRAME_TRANSIT 'T'
#define WALLET_FRAME_COMMIT	 'C'
#define WALLET_FRAME_HOLD	 'H'

#define WALLET_UUID_TEXT_BYTES	  36
#define WALLET_FRAME_LENGTH_BYTES 4 /* the length field itself */

/* Body sizes; for EVENT, ERROR and TRANSIT of the fixed part before the JSON or the reason. */
#define WALLET_BEGIN_BYTES	(1 + 4 + 8 + 8 + 8)
#define WALLET_EVENT_BYTES	(4 + WALLET_UUID_TEXT_BYTES + WALLET_UUID_TEXT_BYTES + 8)
#define WALLET_COMMIT_BYTES (8 + 8 + 8 + 4)
#define WALLET_HOLD_BYTES	8

/* No frame is larger, its length field included: a row that would make one becomes an ERROR. */
#define WALLET_FRAME_BYTES_MAX (64 * 1024 * 1024)
#define WALLET_EVENT_JSON_BYTES_MAX \
	(WALLET_FRAME_BYTES_MAX - WALLET_FRAME_LENGTH_BYTES - 1 - WALLET_EVENT_BYTES)

/* Names of the plugin's options and of their values. */
#define WALLET_OPTION_FORMAT		   "format"
#define WALLET_FORMAT_JSON			   "json"
#define WALLET_FORMAT_FRAME			   "frame"
#define WALLET_OPTION_PROTOCOL_VERSION "protocol_version"

#define WALLET_EXTENSION_NAME		  "wallet"
#define WALLET_DECODER_NAME			  "wallet_decoder"
#define WALLET_LEDGER_NAME			  "wallet_ledger"
#define WALLET_TRANSITS_NAME		  "wallet_transits"
#define WALLET_TRANSITS_RECEIVED_NAME "wallet_transits_received"
/* Changes written under an origin of this name prefix are the history's own and are not decoded. */
#define WALLET_HISTORY_ORIGIN_PREFIX "wallet_history_"

static inline void
wallet_put_uint32(char *at, uint32_t value)
{
	at[0] = (char) (value >> 24);
	at[1] = (char) (value >> 16);
	at[2] = (char) (value >> 8);
	at[3] = (char) value;
}

static inline void
wallet_put_uint64(char *at, uint64_t value)
{
	wallet_put_uint32(at, (uint32_t) (value >> 32));
	wallet_put_uint32(at + 4, (uint32_t) value);
}

static inline uint32_t
wallet_get_uint32(const char *at)
{
	const unsigned char *byte = (const unsigned char *) at;

	return (uint32_t) byte[0] << 24 | (uint32_t) byte[1] << 16 | (uint32_t) byte[2] << 8 |
		   (uint32_t) byte[3];
}

static inline uint64_t
wallet_get_uint64(const char *at)
{
	return (uint64_t) wallet_get_uint32(at) << 32 | wallet_get_uint32(at + 4);
}
