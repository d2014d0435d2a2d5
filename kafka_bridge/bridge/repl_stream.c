/*
 * repl_stream.c
 *		One logical replication stream: START_REPLICATION, messages in, positions out. Knows nothing
 *		of Kafka.
 *
 * The protocol is PostgreSQL's streaming replication protocol inside COPY BOTH: 'w' carries the
 * plugin's output, 'k' is a keepalive, 'r' is our feedback. Its times count from 2000-01-01.
 */
#include "repl_stream.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lsn.h"
#include "slot.h"
#include "wallet_event.h"

#define DATA_HEADER_BYTES	   (1 + 8 + 8 + 8) /* 'w', start, end, time */
#define KEEPALIVE_BYTES		   (1 + 8 + 8 + 1) /* 'k', end, time, reply requested */
#define FEEDBACK_BYTES		   (1 + 8 + 8 + 8 + 8 + 1)
#define POSTGRES_EPOCH_SECONDS 946684800

struct ReplStream
{
	PGconn *connection;
	char *buffer; /* the message read last, libpq's memory */
	uint64_t confirmed;
};

Status
repl_stream_open(const PgOptions *options, const Wait *wait, ReplStream **stream)
{
	ReplStream *opened = calloc(1, sizeof(*opened));

	*stream = NULL;
	if (opened == NULL)
		return status_bug("out of memory");

	Status status = pg_connection_open(options, PG_MODE_REPLICATION, "wallet_bridge", wait,
									   &opened->connection);

	if (!status_is_ok(&status))
		repl_stream_close(&opened);
	*stream = opened;
	return status;
}

void
repl_stream_close(ReplStream **stream)
{
	ReplStream *closed = *stream;

	*stream = NULL;
	if (closed == NULL)
		return;
	if (closed->buffer != NULL)
		PQfreemem(closed->buffer);
	pg_connection_close(&closed->connection);
	free(closed);
}

/* A decoder of another release refuses a version that it does not know. */
static Status
stream_start(ReplStream *stream, const char *slot, uint64_t lsn, int protocol_version,
			 const Wait *wait)
{
	char command[256];
	char text[LSN_TEXT_BYTES];
	PGresult *result = NULL;

	snprintf(command, sizeof(command),
			 "START_REPLICATION SLOT \"%s\" LOGICAL %s (\"%s\" '%s', \"%s\" '%d')", slot,
			 lsn_write(lsn, text), WALLET_OPTION_FORMAT, WALLET_FORMAT_FRAME,
			 WALLET_OPTION_PROTOCOL_VERSION, protocol_version);
	if (PQsendQuery(stream->connection, command) == 0)
		return pg_connection_error(stream->connection, "could not start streaming");

	Status status = pg_result_wait(stream->connection, wait, &result);

	if (status_is_ok(&status))
		status = pg_result_check(stream->connection, result, "could not start streaming");
	if (status_is_ok(&status) && PQresultStatus(result) != PGRES_COPY_BOTH)
		status = status_bug("the server answered START_REPLICATION with %s",
							PQresStatus(PQresultStatus(result)));
	PQclear(result);
	return slot_plugin_explain(status);
}

/* What follows an error, until the server takes the next command. */
static Status
command_end(ReplStream *stream, const Wait *wait)
{
	PGresult *result = NULL;
	Status status;

	do
	{
		PQclear(result);
		status = pg_result_wait(stream->connection, wait, &result);
	} while (status_is_ok(&status) && result != NULL);
	return status;
}

Status
repl_stream_start(ReplStream *stream, const char *slot, uint64_t lsn, const Wait *wait)
{
	int version = WALLET_PROTOCOL_VERSION;
	Status status = stream_start(stream, slot, lsn, version, wait);

	/* An older extension refuses the newer versions. */
	while (version > WALLET_PROTOCOL_VERSION_FIRST && pg_status_is(&status, PG_INVALID_PARAMETER))
	{
		status = command_end(stream, wait);
		if (status_is_ok(&status))
			status = stream_start(stream, slot, lsn, --version, wait);
	}
	return status;
}

/* The end of the COPY: with an error of the server's, or in order (it shuts down). */
static Status
stream_end_explain(ReplStream *stream)
{
	PGresult *result = PQgetResult(stream->connection);
	Status status = pg_result_check(stream->connection, result, "stream ended");

	PQclear(result);
	if (status_is_ok(&status))
		return status_retry("the server ended the stream");
	/* A stream that worked and broke is worth another start, which is judged by itself. */
	return status_retry("%s", status.text);
}

/* Takes the next message out of libpq, reading the socket at most once. */
static Status
message_take(ReplStream *stream, int *bytes)
{
	for (int tries = 0; tries < 2; tries++)
	{
		*bytes = PQgetCopyData(stream->connection, &stream->buffer, 1);
		if (*bytes > 0)
			return status_ok();
		if (*bytes == -1)
			return stream_end_explain(stream);
		if (*bytes == -2)
			return pg_connection_error(stream->connection, "lost the stream");
		if (tries == 0 && PQconsumeInput(stream->connection) == 0)
			return pg_connection_error(stream->connection, "lost the stream");
	}
	return status_ok();
}

Status
repl_stream_read(ReplStream *stream, StreamMessage *message)
{
	int bytes = 0;

	*message = (StreamMessage){.kind = STREAM_NOTHING};
	if (stream->buffer != NULL)
		PQfreemem(stream->buffer);
	stream->buffer = NULL;

	Status status = message_take(stream, &bytes);

	if (!status_is_ok(&status) || bytes == 0)
		return status;

	const char *data = stream->buffer;

	if (data[0] == 'w' && bytes >= DATA_HEADER_BYTES)
		*message = (StreamMessage){.kind = STREAM_DATA,
								   .payload = data + DATA_HEADER_BYTES,
								   .payload_bytes = (size_t) bytes - DATA_HEADER_BYTES};
	else if (data[0] == 'k' && bytes >= KEEPALIVE_BYTES)
		*message = (StreamMessage){.kind = STREAM_KEEPALIVE,
								   .wal_end = wallet_get_uint64(data + 1),
								   .reply_requested = data[KEEPALIVE_BYTES - 1] != 0};
	else
		return status_bug("the server sent a message of type %d and %d bytes", data[0], bytes);
	return status;
}

Status
repl_stream_send_feedback(ReplStream *stream, uint64_t received, uint64_t confirmed)
{
	char message[FEEDBACK_BYTES];

	if (confirmed == 0 || confirmed < stream->confirmed || received < confirmed)
		return status_bug("the confirmed position must not go back");
	stream->confirmed = confirmed;
	message[0] = 'r';
	wallet_put_uint64(message + 1, received);
	wallet_put_uint64(message + 9, confirmed);
	wallet_put_uint64(message + 17, confirmed);
	wallet_put_uint64(message + 25,
					  (uint64_t) (clock_wall_us() - POSTGRES_EPOCH_SECONDS * 1000000LL));
	message[33] = 0; /* we want no answer */
	if (PQputCopyData(stream->connection, message, sizeof(message)) < 0 ||
		PQflush(stream->connection) < 0)
		return pg_connection_error(stream->connection, "could not send feedback");
	return status_ok();
}

Status
repl_stream_finish(ReplStream *stream, const Wait *wait)
{
	if (PQputCopyEnd(stream->connection, NULL) < 0)
		return pg_connection_error(stream->connection, "could not end the stream");

	Status status = pg_output_flush(stream->connection, wait);

	/* What still comes is not taken: it comes again after the next start. */
	while (status_is_ok(&status))
	{
		char *buffer = NULL;
		int bytes = PQgetCopyData(stream->connection, &buffer, 1);

		if (buffer != NULL)
			PQfreemem(buffer);
		if (bytes < 0)
			break;
		if (bytes > 0)
			continue;

		WaitResult waited = wait_for_fd(wait, PQsocket(stream->connection), POLLIN);

		if (waited != WAIT_READY)
			status = wait_status(waited, "ending the stream");
		else if (PQconsumeInput(stream->connection) == 0)
			status = pg_connection_error(stream->connection, "could not end the stream");
	}
	return status;
}

int
repl_stream_get_socket(const ReplStream *stream)
{
	return PQsocket(stream->connection);
}

short
repl_stream_get_poll_events(const ReplStream *stream, bool reads)
{
	short events = reads ? POLLIN : 0;

	if (PQflush(stream->connection) == 1)
		events |= POLLOUT;
	return events;
}
