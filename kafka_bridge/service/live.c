/*
 * live.c
 *		Streams, the thread that feeds them, and the request that begins one.
 *
 * One mutex guards the list of streams. The feeding thread takes a copy of what each stream waits
 * for, asks PostgreSQL without the lock, and writes; it alone removes streams.
 */
#include "live.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "endpoint/value.h"
#include "observe/log.h"
#include "postgres/pipeline.h"
#include "postgres/query.h"
#include "endpoint/problem.h"
#include "json/row.h"
#include "service_metrics.h"

#define FEED_INTERVAL_MS  200
#define PING_INTERVAL_MS  15000
#define STREAMS_MAX		  256
#define STALLED_MS		  60000 /* a client that has not read for so long is let go */
#define FIRST_EVENTS	  50
#define EVENTS_AT_ONCE	  "100" /* of one stream in one round */
#define UUID_BYTES		  37
#define BEGIN_STATEMENT	  (PG_SESSION_STATEMENTS_MAX - 1)
#define RECONNECT_MS	  500
#define FIRST_VERSION_ALL (-1)

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

struct Live
{
	const PgPoolPlan *plan;
	PgPool *pool;
	Metrics *metrics;
	PGconn *connection; /* the feeding thread's; NULL: none */
	pthread_t thread;
	bool has_thread;
	int stop_fd;
	pthread_mutex_t lock;
	LiveStream *streams; /* lock, as all below */
	int64_t count;
	int64_t numbers;
	bool stopping;
};

/* A request that begins a stream, while it is with the pool. */
typedef struct LiveJob
{
	PgJob job; /* first */
	Live *live;
	HttpRequest *request;
	char *wallet_id;
	char *after;
} LiveJob;

/*
 * $1 numbers of streams, $2 wallets, $3 versions. A round shows versions up to 100 further; where
 * they are all missing (a recorded gap) a row without a version moves the stream on.
 */
static const char feed_sql[] =
	"SELECT waiting.number, event.version, event.data FROM unnest($1::bigint[], $2::uuid[], "
	"$3::bigint[]) AS waiting(number, wallet_id, after) "
	"CROSS JOIN LATERAL wallet_history(waiting.wallet_id, NULL, 1) AS newest "
	"LEFT JOIN LATERAL (SELECT item.version, row_to_json(item) AS data FROM (SELECT " SQL_EVENT_COLUMNS
	" FROM wallet_history(waiting.wallet_id, waiting.after + " EVENTS_AT_ONCE
	" + 1, " EVENTS_AT_ONCE
	") AS shown WHERE shown.version > waiting.after) AS item) AS event ON true "
	"WHERE newest.version > waiting.after ORDER BY waiting.number, event.version";

Live *
live_new(const PgPoolPlan *plan, PgPool *pool)
{
	Live *live = calloc(1, sizeof(Live));

	if (live == NULL)
		return NULL;
	live->plan = plan;
	live->pool = pool;
	live->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (live->stop_fd < 0)
	{
		free(live);
		return NULL;
	}
	pthread_mutex_init(&live->lock, NULL);
	return live;
}

void
live_free(Live *live)
{
	if (live == NULL)
		return;
	pg_connection_close(&live->connection);
	pthread_mutex_destroy(&live->lock);
	close(live->stop_fd);
	free(live);
}

/* With the lock held. How many there are. */
static size_t
streams_print(const Live *live, FILE *const out[3])
{
	size_t count = 0;

	for (const LiveStream *at = live->streams; at != NULL; at = at->next)
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

/* What the streams wait for, as three array literals; false where none waits, or without memory. */
static bool
waiting_print(Live *live, char *arrays[3])
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
	pthread_mutex_lock(&live->lock);
	if (is_open)
		count = streams_print(live, out);
	pthread_mutex_unlock(&live->lock);
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
		stream->after += atoll(EVENTS_AT_ONCE);
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

static void
events_write(Live *live, const PGresult *result)
{
	pthread_mutex_lock(&live->lock);
	LiveStream *stream = live->streams;

	for (int row = 0; row < PQntuples(result); row++)
	{
		int64_t number = atoll(PQgetvalue(result, row, 0));

		/* Rows come by number; the list has the newest stream first. */
		if (stream == NULL || stream->number != number)
			for (stream = live->streams; stream != NULL && stream->number != number;)
				stream = stream->next;
		if (stream != NULL && !stream->is_gone)
			event_write(stream, result, row);
	}
	pthread_mutex_unlock(&live->lock);
}

static Status
feed_query(Live *live, char *const arrays[3])
{
	PGresult *result = NULL;
	Wait wait = wait_begin(live->stop_fd, live->plan->pool->statement_timeout_ms);
	const PgQuery query = {
		.sql = feed_sql,
		.parameter_count = 3,
		.values = (const char *const *) arrays,
		.column_count = 3,
	};
	Status status = status_ok();

	if (live->connection == NULL)
		status = pg_pool_connection_open(live->plan, &wait, &live->connection);
	if (status_is_ok(&status))
		status = pg_query_run(live->connection, &wait, &query, &result);
	if (status_is_ok(&status))
		events_write(live, result);
	else
		pg_connection_close(&live->connection);
	PQclear(result);
	return status;
}

static void
streams_ping(Live *live)
{
	static const char ping[] = ": alive\n\n";

	pthread_mutex_lock(&live->lock);
	for (LiveStream *at = live->streams; at != NULL; at = at->next)
		if (http_stream_is_drained(at->stream))
			at->is_gone |= !http_stream_write(at->stream, ping, sizeof(ping) - 1);
	pthread_mutex_unlock(&live->lock);
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

/* Lets go of streams whose client has gone or does not read; of all when the service stops. */
static void
streams_sweep(Live *live, bool all)
{
	pthread_mutex_lock(&live->lock);
	for (LiveStream **at = &live->streams; *at != NULL;)
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
		live->count--;
	}
	metric_set(live->metrics, SERVICE_STREAMS, 0, live->count);
	pthread_mutex_unlock(&live->lock);
}

static void *
feed_main(void *argument)
{
	Live *live = argument;
	int64_t ping_ms = clock_monotonic_ms() + PING_INTERVAL_MS;
	bool was_ok = true;
	int64_t pause_ms = FEED_INTERVAL_MS;

	while (wait_pause(live->stop_fd, pause_ms))
	{
		char *arrays[3] = {NULL, NULL, NULL};
		Status status = status_ok();

		if (waiting_print(live, arrays))
			status = feed_query(live, arrays);
		for (size_t i = 0; i < 3; i++)
			free(arrays[i]);
		if (!status_is_ok(&status) && was_ok)
			log_status(LOG_LEVEL_WARNING, "live histories wait", &status);
		was_ok = status_is_ok(&status);
		pause_ms = was_ok ? FEED_INTERVAL_MS : RECONNECT_MS;
		if (clock_monotonic_ms() >= ping_ms)
		{
			streams_ping(live);
			ping_ms = clock_monotonic_ms() + PING_INTERVAL_MS;
		}
		streams_sweep(live, false);
	}
	return NULL;
}

Status
live_start(Live *live, Metrics *metrics)
{
	live->metrics = metrics;
	live->has_thread = pthread_create(&live->thread, NULL, feed_main, live) == 0;
	return live->has_thread ? status_ok() : status_bug("no thread can be started");
}

void
live_stop(Live *live)
{
	if (live == NULL || !live->has_thread)
		return;
	pthread_mutex_lock(&live->lock);
	live->stopping = true;
	pthread_mutex_unlock(&live->lock);
	eventfd_write(live->stop_fd, 1);
	pthread_join(live->thread, NULL);
	live->has_thread = false;
	streams_sweep(live, true);
}

/* False: there are too many, or the service stops. */
static bool
stream_add(Live *live, HttpRequest *request, const char *wallet_id, int64_t after)
{
	LiveStream *made = calloc(1, sizeof(LiveStream));
	HttpResponse *response = http_request_response(request);

	if (made == NULL)
		return false;
	snprintf(made->wallet_id, sizeof(made->wallet_id), "%s", wallet_id);
	made->after = after;
	made->drained_ms = clock_monotonic_ms();
	pthread_mutex_lock(&live->lock);
	if (live->stopping || live->count >= STREAMS_MAX)
	{
		pthread_mutex_unlock(&live->lock);
		free(made);
		return false;
	}
	made->stream = http_response_stream(request, response, "text/event-stream");
	if (made->stream != NULL)
	{
		made->number = ++live->numbers;
		made->next = live->streams;
		live->streams = made;
		live->count++;
	}
	pthread_mutex_unlock(&live->lock);
	if (made->stream == NULL)
		free(made);
	else
		/* A proxy that gathers an answer before it passes it on would hold the events back. */
		http_response_header(response, "X-Accel-Buffering", "no");
	return true;
}

static void
job_finish(LiveJob *job)
{
	HttpRequest *request = job->request;

	free(job->wallet_id);
	free(job->after);
	free(job);
	http_request_finish(request);
}

static void
job_refuse(PgJob *taken, PgRefusal refusal)
{
	LiveJob *job = (LiveJob *) taken;

	problem_from_refusal(http_request_response(job->request), refusal);
	job_finish(job);
}

/* The version after which events are wanted. */
static int64_t
begin_version(const LiveJob *job, const PGresult *wallet)
{
	int64_t newest = atoll(PQgetvalue(wallet, 0, 0));

	if (job->after != NULL)
		return atoll(job->after);
	return newest >= FIRST_EVENTS ? newest - FIRST_EVENTS : FIRST_VERSION_ALL;
}

static void
job_run(PgJob *taken, PgSession *session)
{
	LiveJob *job = (LiveJob *) taken;
	HttpResponse *response = http_request_response(job->request);
	PGresult *result = NULL;
	char name[PG_SESSION_NAME_BYTES];
	const char *const values[] = {job->wallet_id};
	const PgQuery query = {.prepared = name, .parameter_count = 1, .values = values};
	Wait wait = pg_session_wait(session);
	Status status = pg_session_prepare(session, BEGIN_STATEMENT,
									   "SELECT version FROM wallet_get($1::uuid)", name);

	if (status_is_ok(&status))
		status = pg_pipeline_run(pg_session_connection(session), &wait, &query, 1, &result);
	if (!status_is_ok(&status))
	{
		pg_session_break(session);
		problem_unavailable(response, "PostgreSQL cannot be reached at the moment");
	}
	else if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		problem_from_result(response, result);
		pg_session_error(session, PQresultErrorField(result, PG_DIAG_SQLSTATE));
	}
	else if (!stream_add(job->live, job->request, job->wallet_id, begin_version(job, result)))
		problem_unavailable(response, "too many clients follow histories already");
	PQclear(result);
	job_finish(job);
}

/* Takes a text that is there; false: malformed, and the response says so. */
static bool
text_take(const char *text, EndpointParse parse, const char *refusal, char **value,
		  HttpResponse *response)
{
	char *taken = NULL;

	if (text == NULL)
		return true;
	if (parse(&(const EndpointInput){JSON_STRING_VALUE, text, strlen(text)}, &taken) != NULL)
	{
		problem_from_code(response, "22P02", refusal);
		return false;
	}
	free(*value);
	*value = taken;
	return true;
}

/* What a browser sends when it connects again says more than the address it began with. */
static bool
job_parse(LiveJob *job, HttpResponse *response)
{
	const HttpRequest *request = job->request;

	return text_take(http_request_query(request, "after"), endpoint_version_parse,
					 "after must be a number of a version", &job->after, response) &&
		   text_take(http_request_header(request, "Last-Event-ID"), endpoint_version_parse,
					 "Last-Event-ID must be a number of a version", &job->after, response) &&
		   text_take(http_request_parameter(request, "id"), endpoint_uuid_parse,
					 "id must be a UUID", &job->wallet_id, response);
}

const char *const live_queries[] = {"after", NULL};

void
live_handle(HttpRequest *request, HttpResponse *response, const void *context)
{
	LiveJob *job = calloc(1, sizeof(LiveJob));

	if (job == NULL)
		return;
	job->job.run = job_run;
	job->job.refuse = job_refuse;
	/* Routes are constant for the server; what they point to is not. */
	job->live = (Live *) context;
	job->request = request;
	if (!job_parse(job, response))
	{
		free(job->wallet_id);
		free(job->after);
		free(job);
		return;
	}
	http_request_defer(request);
	pg_pool_submit(job->live->pool, &job->job);
}
