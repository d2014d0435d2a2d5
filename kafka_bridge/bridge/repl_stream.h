/*
 * repl_stream.h
 *		One logical replication stream: START_REPLICATION, messages in, positions out. Knows nothing
 *		of Kafka.
 *
 * Reading never blocks; the caller polls the socket. Writing goes through libpq's buffer, so that a
 * server that does not read cannot block us either.
 *
 * Legal order: open, start, then read and send_feedback in any order, finish or not, close.
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

/*
 * The plugin's options, as recorded beside the position. Both versions of the protocol have the
 * same transactions at the same positions, so whichever the server knows is recorded as the first.
 */
#define REPL_STREAM_OPTIONS "format=frame,protocol_version=1"

typedef struct ReplStream ReplStream;

typedef enum StreamMessageKind
{
	STREAM_NOTHING, /* nothing complete has come: poll the socket */
	STREAM_DATA,
	STREAM_KEEPALIVE,
} StreamMessageKind;

typedef struct StreamMessage
{
	StreamMessageKind kind;
	const char *payload; /* DATA: valid until the next read or close */
	size_t payload_bytes;
	uint64_t wal_end;	  /* KEEPALIVE: the server has sent all it has for us before this */
	bool reply_requested; /* KEEPALIVE */
} StreamMessage;

/* Connects. On OK *stream is the caller's. */
Status repl_stream_open(const PgOptions *options, const Wait *wait, ReplStream **stream);
void repl_stream_close(ReplStream **stream);

/*
 * Starts streaming from lsn. A slot that another process uses: RETRY with SQLSTATE 55006. A server
 * that refuses the output plugin: FATAL, and the text says which setting to change.
 */
Status repl_stream_start(ReplStream *stream, const char *slot, uint64_t lsn, const Wait *wait);

/* The next message. An end of the stream, whatever its reason, is RETRY. */
Status repl_stream_read(ReplStream *stream, StreamMessage *message);

/*
 * Tells the server what was received and what is confirmed (it may forget what is before). The
 * confirmed position must not be 0 and never goes back. Does not wait until it is sent.
 */
Status repl_stream_send_feedback(ReplStream *stream, uint64_t received, uint64_t confirmed);

/* Ends the stream in order, so that the server has read the last feedback when this is OK. */
Status repl_stream_finish(ReplStream *stream, const Wait *wait);

/* For poll(2): the socket, and what to poll it for (always POLLIN when reads is true). */
int repl_stream_get_socket(const ReplStream *stream);
short repl_stream_get_poll_events(const ReplStream *stream, bool reads);
