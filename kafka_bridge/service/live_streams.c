/*
 * live_streams.c
 *		A list: there are at most a few hundred.
 */
#include "live_streams.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define STREAMS_MAX 256
#define STALLED_MS	60000 /* a client that has not read for so long is let go */
#define UUID_BYTES	37
/*
 * What a client has not read yet: every stream may have so much, so that none has to wait for
 * others, and a few a single larger event.
 */
#define UNREAD_BYTES_MAX (64 * 1024)
#define LARGE_BYTES_MAX	 (8 * 1024 * 1024) /* beyond that, of all together */

typedef struct LiveStream LiveStream;
struct LiveStream
{
	LiveStream *next;
	HttpStream *stream;
	int64_t number;		/* of the stream, for the rows of a round */
	int64_t after;		/* version of the newest event that was written */
	int64_t drained_ms; /* when the client had last read all, by clock_monotonic_ms() */
	char wallet_id[UUID_BYTES];
	HttpClient client;
	bool is_gone;
	bool is_full; /* in this round */
};

struct LiveStreams
{
	int64_t client_max;
	pthread_mutex_t lock; /* guards all below */
	LiveStream *first;	  /* the newest */
	int64_t count;
	int64_t numbers;
	size_t large_bytes; /* beyond UNREAD_BYTES_MAX of each, in this round */
	bool was_cut;		/* in this round a stream had more than it may have at once */
	bool closing;
};

LiveStreams *
live_streams_new(int64_t client_max)
{
	LiveStreams *streams = calloc(1, sizeof(*streams));

	if (streams == NULL)
		return NULL;
	streams->client_max = client_max;
	pthread_mutex_init(&streams->lock, NULL);
	return streams;
}

void
live_streams_free(LiveStreams *streams)
{
	if (streams == NULL)
		return;
	pthread_mutex_destroy(&streams->lock);
	free(streams);
}

void
live_streams_close(LiveStreams *streams)
{
	pthread_mutex_lock(&streams->lock);
	streams->closing = true;
	pthread_mutex_unlock(&streams->lock);
}

/* With the lock held. How many there are. */
static size_t
waiting_print(LiveStreams *streams, FILE *const out[3])
{
	size_t count = 0;

	streams->large_bytes = 0;
	streams->was_cut = false;
	for (LiveStream *at = streams->first; at != NULL; at = at->next)
	{
		const char *comma = count == 0 ? "{" : ",";
		size_t unread = http_stream_unread(at->stream);

		at->is_full = false;
		if (unread > UNREAD_BYTES_MAX)
			streams->large_bytes += unread - UNREAD_BYTES_MAX;
		/* A client that still reads gets more when it has done so: nothing gathers for it here. */
		if (at->is_gone || unread > 0)
			continue;
		fprintf(out[0], "%s%" PRId64, comma, at->number);
		fprintf(out[1], "%s%s", comma, at->wallet_id);
		fprintf(out[2], "%s%" PRId64, comma, at->after);
		count++;
	}
	return count;
}

bool
live_streams_print(LiveStreams *streams, char *arrays[3])
{
	FILE *out[3] = {NULL, NULL, NULL};
	size_t bytes[3];
	size_t count = 0;
	bool is_open = true;

	for (size_t i = 0; i < 3; i++)
	{
		out[i] = open_memstream(&arrays[i], &bytes[i]);
		is_open &= out[i] != NULL;
	}
	pthread_mutex_lock(&streams->lock);
	if (is_open)
		count = waiting_print(streams, out);
	pthread_mutex_unlock(&streams->lock);
	for (size_t i = 0; i < 3; i++)
		if (out[i] != NULL)
		{
			fputc('}', out[i]);
			is_open &= fclose(out[i]) == 0;
		}
	return count > 0 && is_open;
}

/* Once a stream has no room, what follows waits for another round, too. */
static bool
stream_has_room(LiveStreams *streams, LiveStream *stream, size_t bytes)
{
	size_t unread = http_stream_unread(stream->stream);
	size_t beyond = unread + bytes > UNREAD_BYTES_MAX ? unread + bytes - UNREAD_BYTES_MAX : 0;

	if (!stream->is_full && beyond > 0 &&
		(unread > 0 || streams->large_bytes + beyond > LARGE_BYTES_MAX))
	{
		stream->is_full = true;
		/* A client that reads is asked for soon again. */
		streams->was_cut |= unread > 0;
	}
	if (!stream->is_full)
		streams->large_bytes += beyond;
	return !stream->is_full;
}

static void
event_write(LiveStreams *streams, LiveStream *stream, const PGresult *row)
{
	char *text = NULL;
	const char *version = PQgetvalue(row, 0, 1);
	int bytes = 0;

	if (PQgetisnull(row, 0, 1))
	{
		stream->after += LIVE_EVENTS_AT_ONCE;
		return;
	}
	if (!stream_has_room(streams, stream, (size_t) PQgetlength(row, 0, 2)))
		return;
	/* row_to_json() writes no line breaks, which would end the data. */
	bytes = asprintf(&text, "id: %s\nevent: entry\ndata: %s\n\n", version, PQgetvalue(row, 0, 2));
	if (bytes < 0)
	{
		stream->is_gone = true;
		return;
	}
	stream->is_gone |= !http_stream_write(stream->stream, text, (size_t) bytes);
	stream->after = atoll(version);
	free(text);
}

static void
rows_begin(void *context)
{
	(void) context;
}

static bool
row_take(void *context, const PGresult *row)
{
	LiveStreams *streams = context;
	int64_t number = atoll(PQgetvalue(row, 0, 0));
	LiveStream *stream = NULL;

	pthread_mutex_lock(&streams->lock);
	stream = streams->first;
	while (stream != NULL && stream->number != number)
		stream = stream->next;
	if (stream != NULL && !stream->is_gone)
		event_write(streams, stream, row);
	pthread_mutex_unlock(&streams->lock);
	return true;
}

PgRowSink
live_streams_sink(LiveStreams *streams)
{
	return (PgRowSink){rows_begin, row_take, streams};
}

bool
live_streams_were_cut(LiveStreams *streams)
{
	pthread_mutex_lock(&streams->lock);
	bool were_cut = streams->was_cut;

	pthread_mutex_unlock(&streams->lock);
	return were_cut;
}

void
live_streams_ping(LiveStreams *streams)
{
	static const char ping[] = ": alive\n\n";

	pthread_mutex_lock(&streams->lock);
	for (LiveStream *at = streams->first; at != NULL; at = at->next)
		if (http_stream_unread(at->stream) == 0)
			at->is_gone |= !http_stream_write(at->stream, ping, sizeof(ping) - 1);
	pthread_mutex_unlock(&streams->lock);
}

static bool
stream_goes_on(LiveStream *stream)
{
	int64_t now_ms = clock_monotonic_ms();

	if (http_stream_unread(stream->stream) == 0)
		stream->drained_ms = now_ms;
	return !stream->is_gone && now_ms - stream->drained_ms < STALLED_MS &&
		   http_stream_is_open(stream->stream);
}

int64_t
live_streams_sweep(LiveStreams *streams, bool all)
{
	pthread_mutex_lock(&streams->lock);
	for (LiveStream **at = &streams->first; *at != NULL;)
	{
		LiveStream *stream = *at;

		if (!all && stream_goes_on(stream))
		{
			at = &stream->next;
			continue;
		}
		*at = stream->next;
		http_stream_close(stream->stream);
		free(stream);
		streams->count--;
	}

	int64_t left = streams->count;

	pthread_mutex_unlock(&streams->lock);
	return left;
}

/* With the lock held. */
static bool
there_is_room(const LiveStreams *streams, const HttpClient *client)
{
	int64_t count = 0;

	for (const LiveStream *at = streams->first; at != NULL; at = at->next)
		count += http_client_equals(&at->client, client);
	return !streams->closing && streams->count < STREAMS_MAX && count < streams->client_max;
}

bool
live_streams_add(LiveStreams *streams, HttpRequest *request, const char *wallet_id, int64_t after)
{
	LiveStream *made = calloc(1, sizeof(LiveStream));
	HttpResponse *response = http_request_response(request);

	if (made == NULL)
		return false;
	snprintf(made->wallet_id, sizeof(made->wallet_id), "%s", wallet_id);
	made->client = http_request_client(request);
	made->after = after;
	made->drained_ms = clock_monotonic_ms();
	pthread_mutex_lock(&streams->lock);
	if (!there_is_room(streams, &made->client))
	{
		pthread_mutex_unlock(&streams->lock);
		free(made);
		return false;
	}
	made->stream = http_response_stream(request, response, "text/event-stream");
	if (made->stream != NULL)
	{
		made->number = ++streams->numbers;
		made->next = streams->first;
		streams->first = made;
		streams->count++;
	}
	pthread_mutex_unlock(&streams->lock);
	if (made->stream == NULL)
		free(made);
	else
		/* A proxy that gathers an answer before it passes it on would hold the events back. */
		http_response_header(response, "X-Accel-Buffering", "no");
	return true;
}
