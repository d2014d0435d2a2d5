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

typedef struct LiveStream LiveStream;
struct LiveStream
{
	LiveStream *next;
	HttpStream *stream;
	int64_t number;		/* of the stream, for the rows of a round */
	int64_t after;		/* version of the newest event that was written */
	int64_t drained_ms; /* when the client had last read all, by clock_monotonic_ms() */
	char wallet_id[UUID_BYTES];
	bool is_gone;
};

struct LiveStreams
{
	pthread_mutex_t lock; /* guards all below */
	LiveStream *first;	  /* the newest */
	int64_t count;
	int64_t numbers;
	bool closing;
};

LiveStreams *
live_streams_new(void)
{
	LiveStreams *streams = calloc(1, sizeof(*streams));

	if (streams != NULL)
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
waiting_print(const LiveStreams *streams, FILE *const out[3])
{
	size_t count = 0;

	for (const LiveStream *at = streams->first; at != NULL; at = at->next)
	{
		const char *comma = count == 0 ? "{" : ",";

		/* A client that still reads gets more when it has done so: nothing gathers for it here. */
		if (at->is_gone || !http_stream_is_drained(at->stream))
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

static void
event_write(LiveStream *stream, const PGresult *result, int row)
{
	char *text = NULL;
	const char *version = PQgetvalue(result, row, 1);
	int bytes = 0;

	if (PQgetisnull(result, row, 1))
	{
		stream->after += LIVE_EVENTS_AT_ONCE;
		return;
	}
	/* row_to_json() writes no line breaks, which would end the data. */
	bytes =
		asprintf(&text, "id: %s\nevent: entry\ndata: %s\n\n", version, PQgetvalue(result, row, 2));
	if (bytes < 0)
	{
		stream->is_gone = true;
		return;
	}
	stream->is_gone |= !http_stream_write(stream->stream, text, (size_t) bytes);
	stream->after = atoll(version);
	free(text);
}

void
live_streams_write(LiveStreams *streams, const PGresult *result)
{
	pthread_mutex_lock(&streams->lock);
	LiveStream *stream = streams->first;

	for (int row = 0; row < PQntuples(result); row++)
	{
		int64_t number = atoll(PQgetvalue(result, row, 0));

		/* Rows come by number; the list has the newest stream first. */
		if (stream == NULL || stream->number != number)
			for (stream = streams->first; stream != NULL && stream->number != number;)
				stream = stream->next;
		if (stream != NULL && !stream->is_gone)
			event_write(stream, result, row);
	}
	pthread_mutex_unlock(&streams->lock);
}

void
live_streams_ping(LiveStreams *streams)
{
	static const char ping[] = ": alive\n\n";

	pthread_mutex_lock(&streams->lock);
	for (LiveStream *at = streams->first; at != NULL; at = at->next)
		if (http_stream_is_drained(at->stream))
			at->is_gone |= !http_stream_write(at->stream, ping, sizeof(ping) - 1);
	pthread_mutex_unlock(&streams->lock);
}

static bool
stream_goes_on(LiveStream *stream)
{
	int64_t now_ms = clock_monotonic_ms();

	if (http_stream_is_drained(stream->stream))
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

bool
live_streams_add(LiveStreams *streams, HttpRequest *request, const char *wallet_id, int64_t after)
{
	LiveStream *made = calloc(1, sizeof(LiveStream));
	HttpResponse *response = http_request_response(request);

	if (made == NULL)
		return false;
	snprintf(made->wallet_id, sizeof(made->wallet_id), "%s", wallet_id);
	made->after = after;
	made->drained_ms = clock_monotonic_ms();
	pthread_mutex_lock(&streams->lock);
	if (streams->closing || streams->count >= STREAMS_MAX)
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
