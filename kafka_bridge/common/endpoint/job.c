/*
 * job.c
 *		One transaction for one request, tried again where that may help.
 */
#include "endpoint/job.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/wait.h"
#include "endpoint/answer.h"
#include "endpoint/problem.h"
#include "observe/log.h"

#define ATTEMPTS_MAX	 5
#define RETRY_INITIAL_MS 5
#define RETRY_MAXIMUM_MS 100
/*
 * No further attempt is begun after this, so that a client without patience learns of it in time.
 */
#define RETRY_TIME_MS 10000

/* Of an operation's call; without an entry the endpoint shows none. */
#define COLUMN_ID		0
#define COLUMN_REPLAYED 1
#define COLUMN_ENTRY	2

typedef struct EndpointResults
{
	PGresult *call; /* NULL: there was no such statement */
	PGresult *read; /* without its rows */
} EndpointResults;

void
endpoint_job_finish(EndpointJob *job)
{
	HttpRequest *request = job->request;

	endpoint_values_free(&job->values);
	endpoint_rows_free(&job->rows);
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

bool
endpoint_writes(const Endpoint *endpoint)
{
	return endpoint->call != NULL || endpoint->is_write;
}

const char *
endpoint_job_name(const EndpointJob *job, char name[ENDPOINT_NAME_BYTES])
{
	const char *caller = http_request_caller(job->request)->name;

	if (caller[0] == '\0' || !endpoint_writes(job->binding->endpoint))
		return NULL;
	snprintf(name, ENDPOINT_NAME_BYTES, "%s:%s", job->binding->pools->application_name, caller);
	return name;
}

/* Runs the statements once, in one round trip. The caller's name holds for the transaction. */
static PgOutcome
statements_run(EndpointJob *job, PgSession *session, EndpointResults *results, Status *status)
{
	const Endpoint *endpoint = job->binding->endpoint;
	const char *const *values = (const char *const *) job->values.items;
	int count = (int) job->values.count;
	bool has_call = endpoint->call != NULL;
	const PgRowSink rows = endpoint_rows_sink(&job->rows);
	const PgQuery queries[] = {
		{.sql = endpoint->call, .parameter_count = count, .values = values},
		{.sql = endpoint->read,
		 .parameter_count = has_call ? (int) endpoint->read_values : count,
		 .values = values,
		 .rows = &rows},
	};
	char name[ENDPOINT_NAME_BYTES];
	PGresult *taken[2] = {NULL, NULL};
	const PgTransaction transaction = {
		.application_name = endpoint_job_name(job, name),
		.queries = has_call ? queries : queries + 1,
		.count = has_call ? 2 : 1,
		.is_repeatable = job->is_repeatable,
	};
	PgOutcome outcome = pg_session_run(session, &transaction, taken, status);

	results->call = has_call ? taken[0] : NULL;
	results->read = has_call ? taken[1] : taken[0];
	return outcome;
}

void
endpoint_job_break(const EndpointJob *job, PgOutcome outcome, const Status *status)
{
	HttpResponse *response = http_request_response(job->request);

	log_warning("a call was broken off", log_text("request_id", http_request_id(job->request)),
				log_text("error", status->text));
	if (outcome == PG_OUTCOME_NOT_DONE)
		problem_from_refusal(response, PG_REFUSAL_GONE);
	else if (endpoint_writes(job->binding->endpoint))
		problem_unavailable(response,
							"the connection to PostgreSQL was lost and the outcome is not known: "
							"repeat the request with the same Idempotency-Key");
	else
		problem_unavailable(response, "the connection to PostgreSQL was lost: repeat the request");
}

/* Of a transaction without an error. */
static void
results_answer(EndpointJob *job, const PGresult *result)
{
	EndpointCall call;

	if (result != NULL)
		call = (EndpointCall){
			.id = PQgetvalue(result, 0, COLUMN_ID),
			.is_replayed = PQgetvalue(result, 0, COLUMN_REPLAYED)[0] == 't',
			.entry = PQnfields(result) > COLUMN_ENTRY ? PQgetvalue(result, 0, COLUMN_ENTRY) : NULL,
		};
	endpoint_answer_fill(job->binding->endpoint, &job->values, result != NULL ? &call : NULL,
						 &job->rows, http_request_response(job->request));
}

/* False when the job should be tried again. */
static bool
attempt(EndpointJob *job, PgSession *session, bool is_last)
{
	EndpointResults results = {0};
	HttpResponse *response = http_request_response(job->request);
	Status status = status_ok();
	PgOutcome outcome = statements_run(job, session, &results, &status);

	if (outcome != PG_OUTCOME_KNOWN)
	{
		endpoint_job_break(job, outcome, &status);
		return true;
	}

	const PGresult *error = results_error(&results);
	const char *sqlstate = error != NULL ? PQresultErrorField(error, PG_DIAG_SQLSTATE) : NULL;
	bool is_over = error == NULL || is_last || !problem_is_transient(sqlstate);

	if (error == NULL)
		results_answer(job, results.call);
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
	PGresult *result = NULL;
	Status status = status_ok();

	if (endpoint->outside == NULL || (http_request_caller(job->request)->scopes & either) == either)
		return true;

	const PgQuery query = {.sql = endpoint->outside, .parameter_count = 1, .values = values};
	PgOutcome outcome =
		pg_session_run(session,
					   &(const PgTransaction){.queries = &query, .count = 1, .is_repeatable = true},
					   &result, &status);
	bool is_known = outcome == PG_OUTCOME_KNOWN && PQresultStatus(result) == PGRES_TUPLES_OK;
	bool is_outside = is_known && PQgetvalue(result, 0, 0)[0] == 't';

	/* Nothing but a read was lost. */
	if (outcome != PG_OUTCOME_KNOWN)
		endpoint_job_break(job, PG_OUTCOME_NOT_DONE, &status);
	else if (!is_known)
		problem_from_result(http_request_response(job->request), result);
	PQclear(result);
	return is_known && http_request_may(job->request, is_outside ? HTTP_SCOPE_CASHIER
																 : (HttpScope) endpoint->scope);
}

void
endpoint_job_run(PgJob *taken, PgSession *session)
{
	EndpointJob *job = (EndpointJob *) taken;
	const EndpointPools *pools = job->binding->pools;
	int64_t end_ms = clock_monotonic_ms() + RETRY_TIME_MS;
	Backoff backoff = backoff_begin(RETRY_INITIAL_MS, RETRY_MAXIMUM_MS, (uint64_t) clock_wall_us());

	if (!scope_check(job, session))
	{
		endpoint_job_finish(job);
		return;
	}
	for (int n = 1; !attempt(job, session, n == ATTEMPTS_MAX || clock_monotonic_ms() >= end_ms);
		 n++)
	{
		metric_add(pools->metrics, pools->retries, 0, 1);
		wait_pause(-1, backoff_next_ms(&backoff));
	}
	endpoint_job_finish(job);
}

void
endpoint_job_refuse(PgJob *taken, PgRefusal refusal)
{
	EndpointJob *job = (EndpointJob *) taken;

	problem_from_refusal(http_request_response(job->request), refusal);
	endpoint_job_finish(job);
}
