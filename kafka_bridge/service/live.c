/*
 * live.c
 *		The feeding thread: takes what each stream waits for, asks PostgreSQL for all together,
 *		without the streams' lock, and writes.
 */
#include "live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "json/row.h"
#include "live_request.h"
#include "live_streams.h"
#include "observe/log.h"
#include "postgres/error.h"
#include "service_metrics.h"

#define FEED_INTERVAL_MS 200
#define PING_INTERVAL_MS 15000
#define RECONNECT_MS	 500
#define CATCH_UP_MS		 20 /* while a client has more to read than it may have at once */

struct Live
{
	const PgPoolPlan *plan;
	Metrics *metrics;
	LiveStreams *streams;
	LiveRequests requests;
	int stop_fd;
	pthread_t thread; /* with has_thread: of the thread that starts and stops */
	bool has_thread;
	PgSession *session; /* the feeding thread's */
};

/*
 * $1 numbers of streams, $2 wallets, $3 versions, $4 LIVE_EVENTS_AT_ONCE. A round shows versions up
 * to so many further; where they are all missing (a recorded gap) a row without a version moves the
 * stream on.
 */
static const char feed_sql[] =
	"SELECT waiting.number, event.version, event.data FROM unnest($1::bigint[], $2::uuid[], "
	"$3::bigint[]) AS waiting(number, wallet_id, after) "
	"CROSS JOIN LATERAL wallet_history(waiting.wallet_id, NULL, 1) AS newest "
	"LEFT JOIN LATERAL (SELECT item.version, row_to_json(item) AS data FROM (SELECT " SQL_EVENT_COLUMNS
	" FROM wallet_history(waiting.wallet_id, waiting.after + $4::integer + 1, $4::integer) AS shown "
	"WHERE shown.version > waiting.after) AS item) AS event ON true "
	"WHERE newest.version > waiting.after ORDER BY waiting.number, event.version";

Live *
live_new(const PgPoolPlan *plan, PgPool *pool, int64_t client_streams_max)
{
	Live *live = calloc(1, sizeof(Live));

	if (live == NULL)
		return NULL;
	live->plan = plan;
	live->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	live->session = pg_session_new(plan);
	live->streams = live_streams_new(client_streams_max);
	live->requests = (LiveRequests){.streams = live->streams, .pool = pool};
	if (live->stop_fd >= 0 && live->streams != NULL && live->session != NULL)
		return live;
	live_free(live);
	return NULL;
}

void
live_free(Live *live)
{
	if (live == NULL)
		return;
	pg_session_free(live->session);
	live_streams_free(live->streams);
	if (live->stop_fd >= 0)
		close(live->stop_fd);
	free(live);
}

HttpRoute
live_route(const Live *live, size_t label)
{
	static const char *const queries[] = {"after", NULL};

	return (HttpRoute){
		.method = "GET",
		.pattern = "/wallets/{id}/history/live",
		.handler = live_request_handle,
		.context = &live->requests,
		.label = label,
		.scope = HTTP_SCOPE_READ,
		.queries = queries,
	};
}

static Status
feed_query(Live *live, char *const arrays[3])
{
	char limit[16];
	const char *const values[] = {arrays[0], arrays[1], arrays[2], limit};
	PGresult *result = NULL;
	const PgRowSink rows = live_streams_sink(live->streams);
	const PgQuery query = {.sql = feed_sql, .parameter_count = 4, .values = values, .rows = &rows};
	/* Not run again with the same versions: a part of the events may have been written. */
	const PgTransaction transaction = {.queries = &query, .count = 1};
	Status status = status_ok();

	snprintf(limit, sizeof(limit), "%d", LIVE_EVENTS_AT_ONCE);
	if (pg_session_run(live->session, &transaction, &result, &status) == PG_OUTCOME_KNOWN)
		status = pg_result_check(NULL, result, NULL);
	if (!status_is_ok(&status))
		pg_session_break(live->session);
	PQclear(result);
	return status;
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

		if (live_streams_print(live->streams, arrays))
			status = feed_query(live, arrays);
		for (size_t i = 0; i < 3; i++)
			free(arrays[i]);
		if (!status_is_ok(&status) && was_ok)
			log_status(LOG_LEVEL_WARNING, "live histories wait", &status);
		was_ok = status_is_ok(&status);
		pause_ms = !was_ok								  ? RECONNECT_MS
				   : live_streams_were_cut(live->streams) ? CATCH_UP_MS
														  : FEED_INTERVAL_MS;
		if (clock_monotonic_ms() >= ping_ms)
		{
			live_streams_ping(live->streams);
			ping_ms = clock_monotonic_ms() + PING_INTERVAL_MS;
		}
		metric_set(live->metrics, SERVICE_STREAMS, 0, live_streams_sweep(live->streams, false));
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
	live_streams_close(live->streams);
	eventfd_write(live->stop_fd, 1);
	pthread_join(live->thread, NULL);
	live->has_thread = false;
	live_streams_sweep(live->streams, true);
	metric_set(live->metrics, SERVICE_STREAMS, 0, 0);
}
