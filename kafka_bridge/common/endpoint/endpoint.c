/*
 * endpoint.c
 *		The job of a request: parsed in the server's thread, run in one of the pool.
 */
#include "endpoint/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "endpoint/answer.h"
#include "endpoint/request.h"
#include "observe/log.h"
#include "postgres/pipeline.h"
#include "endpoint/problem.h"
#include "base/wait.h"

#define ATTEMPTS_MAX	 5
#define RETRY_INITIAL_MS 5
#define RETRY_MAXIMUM_MS 100
/*
 * No further attempt is begun after this, so that a client without patience learns of it in time.
 */
#define RETRY_TIME_MS 10000

typedef struct EndpointJob
{
	PgJob job; /* first: the pool hands it back */
	const EndpointBinding *binding;
	HttpRequest *request;
	EndpointValues values;
} EndpointJob;

typedef struct EndpointResults
{
	PGresult *call;
	PGresult *read;
} EndpointResults;

static void
job_finish(EndpointJob *job)
{
	HttpRequest *request = job->request;

	endpoint_values_free(&job->values);
	free(job);
	http_request_finish(request);
}

static void
results_clear(EndpointResults *results)
{
	PQclear(results->call);
	PQclear(results->read);
	*results = (EndpointResults){0};
}

/* The error that ended the transaction, or NULL. */
static const PGresult *
results_error(const EndpointResults *results)
{
	if (results->call != NULL && PQresultStatus(results->call) != PGRES_TUPLES_OK)
		return results->call;
	return PQresultStatus(results->read) != PGRES_TUPLES_OK ? results->read : NULL;
}

static Status
statements_prepare(const EndpointJob *job, PgSession *session, char call[PG_SESSION_NAME_BYTES],
				   char read[PG_SESSION_NAME_BYTES])
{
	const Endpoint *endpoint = job->binding->endpoint;
	size_t number = job->binding->number;
	Status status = status_ok();

	if (endpoint->call != NULL)
		status = pg_session_prepare(session, number, endpoint->call, call);
	if (status_is_ok(&status))
		status = pg_session_prepare(session, number + 1, endpoint->read, read);
	return status;
}

/* Runs the statements once, in one round trip. */
static Status
statements_run(const EndpointJob *job, PgSession *session, EndpointResults *results)
{
	const Endpoint *endpoint = job->binding->endpoint;
	const char *const *values = (const char *const *) job->values.items;
	int count = (int) job->values.count;
	bool has_call = endpoint->call != NULL;
	char call_name[PG_SESSION_NAME_BYTES];
	char read_name[PG_SESSION_NAME_BYTES];
	PGresult *taken[2] = {NULL, NULL};
	Status status = statements_prepare(job, session, call_name, read_name);

	if (!status_is_ok(&status))
		return status;

	const PgQuery queries[] = {
		{.prepared = call_name, .parameter_count = count, .values = values},
		{.prepared = read_name,
		 .parameter_count = has_call ? (int) endpoint->read_values : count,
		 .values = values},
	};
	Wait wait = pg_session_wait(session);

	status = pg_pipeline_run(pg_session_connection(session), &wait,
							 has_call ? queries : queries + 1, has_call ? 2 : 1, taken);
	results->call = has_call ? taken[0] : NULL;
	results->read = has_call ? taken[1] : taken[0];
	return status;
}

static void
session_failed(PgSession *session, HttpResponse *response, const Status *status)
{
	pg_session_break(session);
	log_status(LOG_LEVEL_WARNING, "a call was broken off", status);
	if (status->class == STATUS_RETRY)
		problem_unavailable(response,
							"the connection to PostgreSQL was lost and the outcome is not known: "
							"repeat the request with the same Idempotency-Key");
	else
		http_response_problem(response, 500, "internal error");
}

/* False when the job should be tried again. */
static bool
attempt(const EndpointJob *job, PgSession *session, bool is_last)
{
	EndpointResults results = {0};
	HttpResponse *response = http_request_response(job->request);
	Status status = statements_run(job, session, &results);

	if (!status_is_ok(&status))
	{
		session_failed(session, response, &status);
		return true;
	}

	const PGresult *error = results_error(&results);
	const char *sqlstate = error != NULL ? PQresultErrorField(error, PG_DIAG_SQLSTATE) : NULL;
	bool is_over = error == NULL || is_last || !problem_is_transient(sqlstate);

	if (error == NULL)
		endpoint_answer_fill(job->binding->endpoint, &job->values, results.call, results.read,
							 response);
	else if (is_over)
		problem_from_result(response, error);
	if (error != NULL)
		pg_session_error(session, sqlstate);
	results_clear(&results);
	return is_over;
}

static void
job_run(PgJob *taken, PgSession *session)
{
	EndpointJob *job = (EndpointJob *) taken;
	const EndpointPools *pools = job->binding->pools;
	int64_t end_ms = clock_monotonic_ms() + RETRY_TIME_MS;
	Backoff backoff = backoff_begin(RETRY_INITIAL_MS, RETRY_MAXIMUM_MS, (uint64_t) clock_wall_us());

	for (int n = 1; !attempt(job, session, n == ATTEMPTS_MAX || clock_monotonic_ms() >= end_ms);
		 n++)
	{
		metric_add(pools->metrics, pools->retries, 0, 1);
		wait_pause(-1, backoff_next_ms(&backoff));
	}
	job_finish(job);
}

static void
job_refuse(PgJob *taken, PgRefusal refusal)
{
	EndpointJob *job = (EndpointJob *) taken;

	problem_from_refusal(http_request_response(job->request), refusal);
	job_finish(job);
}

static void
endpoint_handle(HttpRequest *request, HttpResponse *response, const void *context)
{
	const EndpointBinding *binding = context;
	const Endpoint *endpoint = binding->endpoint;
	EndpointJob *job = calloc(1, sizeof(EndpointJob));

	if (job == NULL)
		return;
	job->job.run = job_run;
	job->job.refuse = job_refuse;
	job->binding = binding;
	job->request = request;
	if (!endpoint_request_parse(endpoint, request, response, &job->values))
	{
		endpoint_values_free(&job->values);
		free(job);
		return;
	}
	http_request_defer(request);
	pg_pool_submit(endpoint->call != NULL || endpoint->is_write ? binding->pools->write
																: binding->pools->read,
				   &job->job);
}

void
endpoint_routes_fill(const Endpoint *endpoints, size_t count, const EndpointPools *pools,
					 EndpointBinding *bindings, HttpRoute *routes, size_t first_label)
{
	for (size_t i = 0; i < count; i++)
	{
		bindings[i] = (EndpointBinding){&endpoints[i], pools, 2 * i};
		routes[i] = (HttpRoute){
			.method = endpoints[i].method,
			.pattern = endpoints[i].pattern,
			.handler = endpoint_handle,
			.context = &bindings[i],
			.label = first_label + i,
		};
	}
}
