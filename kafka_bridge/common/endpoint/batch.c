/*
 * batch.c
 *		Arrays of the requests' values, one transaction, and the rows handed to their requests.
 */
#include "endpoint/batch.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint/answer.h"
#include "endpoint/array.h"

/*
 * Longest wait for a wallet that somebody else has locked: all of the batch wait with it. After
 * that each waits for its own.
 */
#define LOCK_TIMEOUT_MS 200

/* Of the read. */
#define COLUMN_NUMBER	0
#define COLUMN_ID		1
#define COLUMN_REPLAYED 2
#define COLUMN_ENTRY	3
#define COLUMN_ROW		4

typedef struct BatchItem
{
	EndpointJob *job;
	bool is_done;
	EndpointCall call; /* id and entry from malloc() */
} BatchItem;

typedef struct BatchItems
{
	size_t count;
	BatchItem items[];
} BatchItems;

/* PgCompany: the pool is one of writes, and every endpoint of it that has a batch may be asked. */
static bool
jobs_fit(const PgJob *job, const PgJob *other)
{
	const EndpointJob *one = (const EndpointJob *) job;
	const EndpointJob *two = (const EndpointJob *) other;

	return one->binding == two->binding && one->is_repeatable == two->is_repeatable &&
		   strcmp(http_request_caller(one->request)->name,
				  http_request_caller(two->request)->name) == 0;
}

static BatchItems *
items_new(PgJob *jobs)
{
	size_t count = 0;

	for (const PgJob *job = jobs; job != NULL; job = job->next)
		count++;

	BatchItems *batch = calloc(1, sizeof(BatchItems) + count * sizeof(BatchItem));

	if (batch == NULL)
		return NULL;
	for (PgJob *job = jobs; job != NULL; job = job->next)
		batch->items[batch->count++].job = (EndpointJob *) job;
	return batch;
}

static void
call_clear(EndpointCall *call)
{
	free((char *) call->id);
	free((char *) call->entry);
	*call = (EndpointCall){0};
}

static void
items_free(BatchItems *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		call_clear(&batch->items[i].call);
	free(batch);
}

/* PgRowSink, of the batch's read. */
static void
rows_begin(void *context)
{
	BatchItems *batch = context;

	for (size_t i = 0; i < batch->count; i++)
	{
		call_clear(&batch->items[i].call);
		endpoint_rows_restart(&batch->items[i].job->rows);
	}
}

static bool
rows_take(void *context, const PGresult *row)
{
	BatchItems *batch = context;
	size_t number = (size_t) atol(PQgetvalue(row, 0, COLUMN_NUMBER));

	if (number < 1 || number > batch->count)
		return true;

	BatchItem *item = &batch->items[number - 1];

	call_clear(&item->call);
	item->call = (EndpointCall){
		.id = strdup(PQgetvalue(row, 0, COLUMN_ID)),
		.is_replayed = PQgetvalue(row, 0, COLUMN_REPLAYED)[0] == 't',
		.entry = strdup(PQgetvalue(row, 0, COLUMN_ENTRY)),
	};
	endpoint_rows_add(&item->job->rows, row, COLUMN_ROW);
	return true;
}

/* For each value of the endpoint an array; false when out of memory. */
static bool
values_gather(const BatchItems *batch, EndpointValues *arrays)
{
	bool is_whole = true;

	arrays->count = batch->items[0].job->values.count;
	for (size_t value = 0; value < arrays->count; value++)
	{
		EndpointArray array = {0};

		for (size_t i = 0; i < batch->count; i++)
			endpoint_array_add(&array, batch->items[i].job->values.items[value]);
		arrays->items[value] = endpoint_array_end(&array);
		is_whole = is_whole && arrays->items[value] != NULL;
	}
	return is_whole;
}

/* By the call's own word, a letter for each item: none that is done must be run again. */
static bool
items_mark(BatchItems *batch, const PGresult *call, const PGresult *read)
{
	if (PQresultStatus(call) != PGRES_TUPLES_OK || PQresultStatus(read) != PGRES_TUPLES_OK ||
		PQgetlength(call, 0, 0) != (int) batch->count)
		return false;
	for (size_t i = 0; i < batch->count; i++)
		batch->items[i].is_done = PQgetvalue(call, 0, 0)[i] == 't';
	return true;
}

static PgOutcome
items_run(BatchItems *batch, const EndpointValues *arrays, PgSession *session, bool *is_done,
		  Status *status)
{
	const EndpointJob *first = batch->items[0].job;
	const EndpointBatch *together = first->binding->endpoint->batch;
	const PgRowSink rows = {rows_begin, rows_take, batch};
	const PgQuery queries[] = {
		{.sql = together->call,
		 .parameter_count = (int) arrays->count,
		 .values = (const char *const *) arrays->items},
		{.sql = together->read, .rows = &rows},
	};
	char name[ENDPOINT_NAME_BYTES];
	PGresult *results[2] = {NULL, NULL};
	const PgTransaction transaction = {
		.application_name = endpoint_job_name(first, name),
		.queries = queries,
		.count = 2,
		.is_repeatable = first->is_repeatable,
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
	};
	PgOutcome outcome = pg_session_run(session, &transaction, results, status);

	*is_done = outcome == PG_OUTCOME_KNOWN && items_mark(batch, results[0], results[1]);
	for (size_t i = 0; outcome == PG_OUTCOME_KNOWN && i < 2; i++)
		if (PQresultStatus(results[i]) == PGRES_FATAL_ERROR)
			pg_session_error(session, PQresultErrorField(results[i], PG_DIAG_SQLSTATE));
	PQclear(results[0]);
	PQclear(results[1]);
	return outcome;
}

/* Answers those that are done; the others are chained again. */
static PgJob *
items_answer(BatchItems *batch)
{
	PgJob *rest = NULL;
	PgJob **end = &rest;

	for (size_t i = 0; i < batch->count; i++)
	{
		const BatchItem *item = &batch->items[i];
		EndpointJob *job = item->job;

		if (!item->is_done)
		{
			*end = &job->job;
			end = &job->job.next;
			*end = NULL;
			continue;
		}
		/* Where there was no memory for it the answer is 500. */
		if (item->call.id != NULL && item->call.entry != NULL)
			endpoint_answer_fill(job->binding->endpoint, &job->values, &item->call, &job->rows,
								 http_request_response(job->request));
		endpoint_job_finish(job);
	}
	return rest;
}

/* Nothing is known of it, as of a single call. */
static void
items_break(const BatchItems *batch, PgOutcome outcome, const Status *status)
{
	for (size_t i = 0; i < batch->count; i++)
	{
		endpoint_job_break(batch->items[i].job, outcome, status);
		endpoint_job_finish(batch->items[i].job);
	}
}

static void
items_count(const PgBatch *taken, const EndpointPools *pools, size_t count)
{
	int64_t rest = 0;

	for (const PgJob *job = taken->jobs; job != NULL; job = job->next)
		rest++;
	metric_observe(pools->metrics, pools->batch_sizes, 0, (int64_t) count);
	metric_add(pools->metrics, pools->batch_rest, 0, rest);
}

/* PgCompany. */
static void
jobs_run(PgBatch *taken, PgSession *session)
{
	BatchItems *batch = items_new(taken->jobs);
	EndpointValues arrays = {.count = 0};
	Status status = status_ok();
	PgOutcome outcome = PG_OUTCOME_KNOWN;
	bool is_done = false;

	taken->failed = true;
	if (batch == NULL)
		return;

	const EndpointPools *pools = batch->items[0].job->binding->pools;

	if (values_gather(batch, &arrays))
		outcome = items_run(batch, &arrays, session, &is_done, &status);
	endpoint_values_free(&arrays);
	if (outcome != PG_OUTCOME_KNOWN)
	{
		items_break(batch, outcome, &status);
		taken->jobs = NULL;
	}
	else if (is_done)
	{
		taken->jobs = items_answer(batch);
		taken->failed = false;
	}
	items_count(taken, pools, batch->count);
	items_free(batch);
}

const PgCompany *
endpoint_company_of(const Endpoint *endpoint, const EndpointValues *values)
{
	static const PgCompany company = {jobs_fit, jobs_run};
	bool may_join = endpoint->batch != NULL && endpoint->outside == NULL &&
					endpoint->batch->can_join((const char *const *) values->items);

	return may_join ? &company : NULL;
}
