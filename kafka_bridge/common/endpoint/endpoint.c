/*
 * endpoint.c
 *		The job of a request: parsed in the server's thread, run in one of the pool.
 */
#include "endpoint/endpoint.h"

#include <stdio.h>
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

/* Of the statements of a transaction, in this order. */
typedef enum EndpointStep
{
	STEP_CALLER, /* its name, for the ledger */
	STEP_CALL,
	STEP_READ,
	STEP_COUNT,
} EndpointStep;

typedef struct EndpointResults
{
	PGresult *of[STEP_COUNT]; /* NULL: there was no such statement */
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
	for (size_t i = 0; i < STEP_COUNT; i++)
		PQclear(results->of[i]);
	*results = (EndpointResults){0};
}

/* The error that ended the transaction, or NULL. */
static const PGresult *
results_error(const EndpointResults *results)
{
	for (size_t i = 0; i < STEP_COUNT; i++)
		if (results->of[i] != NULL && PQresultStatus(results->of[i]) != PGRES_TUPLES_OK)
			return results->of[i];
	return NULL;
}

/* A statement of the transaction, prepared, and where its result belongs. */
typedef struct EndpointPlan
{
	PgQuery queries[STEP_COUNT];
	EndpointStep steps[STEP_COUNT];
	char names[STEP_COUNT][PG_SESSION_NAME_BYTES];
	size_t count;
} EndpointPlan;

static Status
plan_add(EndpointPlan *plan, PgSession *session, EndpointStep step, size_t number, PgQuery query)
{
	size_t i = plan->count++;
	Status status = pg_session_prepare(session, number, query.sql, plan->names[i]);

	query.sql = NULL;
	query.prepared = plan->names[i];
	plan->queries[i] = query;
	plan->steps[i] = step;
	return status;
}

/* Whether the name of who asks belongs into the ledger. */
static bool
caller_is_named(const EndpointJob *job)
{
	const Endpoint *endpoint = job->binding->endpoint;

	return http_request_caller(job->request)->name[0] != '\0' &&
		   (endpoint->call != NULL || endpoint->is_write);
}

static Status
plan_fill(const EndpointJob *job, PgSession *session, const char *const *application_name,
		  EndpointPlan *plan)
{
	const Endpoint *endpoint = job->binding->endpoint;
	size_t number = job->binding->number;
	const char *const *values = (const char *const *) job->values.items;
	int count = (int) job->values.count;
	Status status = status_ok();

	if (caller_is_named(job))
		status = plan_add(plan, session, STEP_CALLER, ENDPOINT_CALLER_STATEMENT,
						  (PgQuery){.sql = "SELECT set_config('application_name', $1, true)",
									.parameter_count = 1,
									.values = application_name});
	if (status_is_ok(&status) && endpoint->call != NULL)
		status =
			plan_add(plan, session, STEP_CALL, number,
					 (PgQuery){.sql = endpoint->call, .parameter_count = count, .values = values});
	if (status_is_ok(&status))
		status =
			plan_add(plan, session, STEP_READ, number + 1,
					 (PgQuery){.sql = endpoint->read,
							   .parameter_count =
								   endpoint->call != NULL ? (int) endpoint->read_values : count,
							   .values = values});
	return status;
}

/* Runs the statements once, in one round trip. The name holds for this transaction only. */
static Status
statements_run(const EndpointJob *job, PgSession *session, EndpointResults *results)
{
	char text[128];
	const char *const application_name[] = {text};
	PGresult *taken[STEP_COUNT] = {NULL};
	EndpointPlan plan = {.count = 0};

	snprintf(text, sizeof(text), "%s:%s", job->binding->pools->application_name,
			 http_request_caller(job->request)->name);

	Status status = plan_fill(job, session, application_name, &plan);

	if (!status_is_ok(&status))
		return status;

	Wait wait = pg_session_wait(session);

	status =
		pg_pipeline_run(pg_session_connection(session), &wait, plan.queries, plan.count, taken);
	for (size_t i = 0; i < plan.count; i++)
		results->of[plan.steps[i]] = taken[i];
	return status;
}

static void
session_failed(PgSession *session, HttpRequest *request, const Status *status)
{
	HttpResponse *response = http_request_response(request);

	pg_session_break(session);
	log_warning("a call was broken off", log_text("request_id", http_request_id(request)),
				log_text("error", status->text));
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
		session_failed(session, job->request, &status);
		return true;
	}

	const PGresult *error = results_error(&results);
	const char *sqlstate = error != NULL ? PQresultErrorField(error, PG_DIAG_SQLSTATE) : NULL;
	bool is_over = error == NULL || is_last || !problem_is_transient(sqlstate);

	if (error == NULL)
		endpoint_answer_fill(job->binding->endpoint, &job->values, results.of[STEP_CALL],
							 results.of[STEP_READ], response);
	else if (is_over)
		problem_from_result(response, error);
	if (error != NULL)
		pg_session_error(session, sqlstate);
	results_clear(&results);
	return is_over;
}

/*
 * Whether the caller has the scope; false with the answer. What an operation was never changes, so
 * it can be asked for beforehand.
 */
static bool
scope_check(EndpointJob *job, PgSession *session)
{
	const Endpoint *endpoint = job->binding->endpoint;
	const char *const *values = (const char *const *) job->values.items;
	const unsigned either = endpoint->scope | HTTP_SCOPE_CASHIER;
	char name[PG_SESSION_NAME_BYTES];
	PGresult *result = NULL;

	if (endpoint->outside == NULL || (http_request_caller(job->request)->scopes & either) == either)
		return true;

	Status status = pg_session_prepare(session, job->binding->number + 2, endpoint->outside, name);
	const PgQuery query = {.prepared = name, .parameter_count = 1, .values = values};
	Wait wait = pg_session_wait(session);

	if (status_is_ok(&status))
		status = pg_pipeline_run(pg_session_connection(session), &wait, &query, 1, &result);

	bool is_known = status_is_ok(&status) && PQresultStatus(result) == PGRES_TUPLES_OK;
	bool is_outside = is_known && PQgetvalue(result, 0, 0)[0] == 't';

	if (!status_is_ok(&status))
		session_failed(session, job->request, &status);
	else if (!is_known)
		problem_from_result(http_request_response(job->request), result);
	PQclear(result);
	return is_known && http_request_may(job->request, is_outside ? HTTP_SCOPE_CASHIER
																 : (HttpScope) endpoint->scope);
}

static void
job_run(PgJob *taken, PgSession *session)
{
	EndpointJob *job = (EndpointJob *) taken;
	const EndpointPools *pools = job->binding->pools;
	int64_t end_ms = clock_monotonic_ms() + RETRY_TIME_MS;
	Backoff backoff = backoff_begin(RETRY_INITIAL_MS, RETRY_MAXIMUM_MS, (uint64_t) clock_wall_us());

	if (!scope_check(job, session))
	{
		job_finish(job);
		return;
	}
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

/* As far as the request itself says what it needs. */
static bool
values_scope_check(const EndpointJob *job)
{
	const Endpoint *endpoint = job->binding->endpoint;
	size_t without = endpoint->outside_without;

	return without == 0 || http_request_may(job->request, job->values.items[without - 1] == NULL
															  ? HTTP_SCOPE_CASHIER
															  : (HttpScope) endpoint->scope);
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
	if (!endpoint_request_parse(endpoint, request, response, &job->values) ||
		!values_scope_check(job))
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

/* What can be asked for before the body is looked at: one of them. */
static unsigned
scope_of_route(const Endpoint *endpoint)
{
	bool is_either = endpoint->outside != NULL || endpoint->outside_without > 0;

	return endpoint->scope | (is_either ? (unsigned) HTTP_SCOPE_CASHIER : 0);
}

static void
binding_fill(EndpointBinding *binding, const Endpoint *endpoint, const EndpointPools *pools,
			 size_t number)
{
	size_t count = 0;

	*binding = (EndpointBinding){.endpoint = endpoint, .pools = pools, .number = number};
	for (size_t i = 0; i < endpoint->parameter_count; i++)
	{
		EndpointSource source = endpoint->parameters[i].source;

		if (source == SOURCE_QUERY || source == SOURCE_QUERY_OBJECT)
			binding->queries[count++] = endpoint->parameters[i].name;
	}
}

void
endpoint_routes_fill(const Endpoint *endpoints, size_t count, const EndpointPools *pools,
					 EndpointBinding *bindings, HttpRoute *routes, size_t first_label)
{
	for (size_t i = 0; i < count; i++)
	{
		binding_fill(&bindings[i], &endpoints[i], pools, ENDPOINT_STATEMENTS * i);
		routes[i] = (HttpRoute){
			.method = endpoints[i].method,
			.pattern = endpoints[i].pattern,
			.handler = endpoint_handle,
			.context = &bindings[i],
			.label = first_label + i,
			.scope = scope_of_route(&endpoints[i]),
			.queries = bindings[i].queries,
			.body_bytes_max = endpoints[i].body_bytes_max,
		};
	}
}
