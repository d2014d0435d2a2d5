/*
 * live_request.c
 *		A job of the pool finds the wallet's newest version; then the feeding thread takes over.
 */
#include "live_request.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint/problem.h"
#include "endpoint/value.h"
#include "postgres/error.h"

#define FIRST_EVENTS	  50
#define FIRST_VERSION_ALL (-1)

/* A request that begins a stream, while it is with the pool. */
typedef struct LiveJob
{
	PgJob job; /* first */
	const LiveRequests *requests;
	HttpRequest *request;
	char *wallet_id;
	char *after;
} LiveJob;

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
	const char *const values[] = {job->wallet_id};
	const PgQuery query = {.sql = "SELECT version FROM wallet_get($1::uuid)",
						   .parameter_count = 1,
						   .values = values};
	const PgTransaction transaction = {.queries = &query, .count = 1, .is_repeatable = true};
	Status status = status_ok();

	if (pg_session_run(session, &transaction, &result, &status) != PG_OUTCOME_KNOWN)
		problem_from_refusal(response, PG_REFUSAL_GONE);
	else if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		problem_from_result(response, result);
		pg_session_error(session, PQresultErrorField(result, PG_DIAG_SQLSTATE));
	}
	else if (!live_streams_add(job->requests->streams, job->request, job->wallet_id,
							   begin_version(job, result)))
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
		problem_from_code(response, PG_INVALID_TEXT, refusal);
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

void
live_request_handle(HttpRequest *request, HttpResponse *response, const void *context)
{
	LiveJob *job = calloc(1, sizeof(LiveJob));

	if (job == NULL)
		return;
	job->job.run = job_run;
	job->job.refuse = job_refuse;
	job->requests = context;
	job->request = request;
	if (!job_parse(job, response))
	{
		free(job->wallet_id);
		free(job->after);
		free(job);
		return;
	}
	http_request_defer(request);
	pg_pool_submit(job->requests->pool, &job->job);
}
