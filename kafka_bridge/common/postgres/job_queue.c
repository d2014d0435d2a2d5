/*
 * job_queue.c
 *		Two lists in the order of arrival, and the lanes that are counted.
 */
#include "postgres/job_queue.h"

#include <assert.h>

static void
list_begin(PgJobList *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void
list_add(PgJobList *list, PgJob *job)
{
	job->next = NULL;
	*list->end = job;
	list->end = &job->next;
}

/* Takes out the job that *link points to. */
static PgJob *
list_take(PgJobList *list, PgJob **link)
{
	PgJob *job = *link;

	*link = job->next;
	if (job->next == NULL)
		list->end = link;
	job->next = NULL;
	return job;
}

void
pg_job_queue_begin(PgJobQueue *queue, size_t batch_max, size_t lanes_max)
{
	*queue = (PgJobQueue){
		.batch_max = batch_max,
		.lanes_max = lanes_max,
		.pause = backoff_begin(PG_PAUSE_FIRST_MS, PG_PAUSE_LONGEST_MS, 1),
	};
	assert(batch_max <= 1 || (lanes_max >= 1 && lanes_max <= PG_LANES_MAX));
	list_begin(&queue->alone);
	list_begin(&queue->joinable);
}

void
pg_job_queue_add(PgJobQueue *queue, PgJob *job)
{
	bool is_joinable = job->company != NULL && queue->batch_max > 1;

	job->number = queue->came++;
	list_add(is_joinable ? &queue->joinable : &queue->alone, job);
	queue->waiting++;
}

void
pg_job_queue_return(PgJobQueue *queue, PgJob *jobs)
{
	PgJob **link = &queue->alone.first;

	while (jobs != NULL)
	{
		PgJob *job = jobs;

		jobs = job->next;
		while (*link != NULL && (*link)->number < job->number)
			link = &(*link)->next;
		job->next = *link;
		*link = job;
		link = &job->next;
		if (job->next == NULL)
			queue->alone.end = link;
		queue->waiting++;
	}
}

/* Those that last too long give up their place. */
static bool
lanes_are_taken(PgJobQueue *queue, int64_t now_ms)
{
	for (size_t i = queue->lane_count; queue->lane_count == queue->lanes_max && i > 0; i--)
		if (now_ms - queue->lanes[i - 1]->begun_ms >= PG_LANE_TIME_MS)
			pg_job_queue_lane_end(queue, queue->lanes[i - 1]);
	return queue->lane_count == queue->lanes_max;
}

/* The list whose first job goes out next; NULL: none may. */
static PgJobList *
list_next(PgJobQueue *queue, int64_t now_ms)
{
	const PgJob *alone = queue->alone.first;
	const PgJob *joinable = queue->joinable.first;

	if (joinable != NULL && now_ms >= queue->pause_end_ms && lanes_are_taken(queue, now_ms))
		joinable = NULL;
	if (joinable != NULL && (alone == NULL || joinable->number < alone->number))
		return &queue->joinable;
	return alone != NULL ? &queue->alone : NULL;
}

bool
pg_job_queue_is_ready(PgJobQueue *queue, int64_t now_ms)
{
	return list_next(queue, now_ms) != NULL;
}

/* Chains what fits behind the first job, which has been taken. */
static void
company_gather(PgJobQueue *queue, PgJob *first)
{
	PgJob **end = &first->next;
	PgJob **link = &queue->joinable.first;

	for (size_t count = 1; *link != NULL && count < queue->batch_max;)
	{
		if ((*link)->company != first->company || !first->company->fits(first, *link))
		{
			link = &(*link)->next;
			continue;
		}
		*end = list_take(&queue->joinable, link);
		end = &(*end)->next;
		queue->waiting--;
		count++;
	}
}

PgJob *
pg_job_queue_take(PgJobQueue *queue, PgLane *lane, int64_t now_ms)
{
	PgJobList *list = list_next(queue, now_ms);

	assert(!lane->is_counted);
	if (list == NULL)
		return NULL;

	PgJob *job = list_take(list, &list->first);

	queue->waiting--;
	if (list == &queue->alone || now_ms < queue->pause_end_ms)
		return job;
	lane->is_counted = true;
	lane->begun_ms = now_ms;
	queue->lanes[queue->lane_count++] = lane;
	company_gather(queue, job);
	return job;
}

void
pg_job_queue_lane_end(PgJobQueue *queue, PgLane *lane)
{
	if (!lane->is_counted)
		return;
	lane->is_counted = false;
	for (size_t i = 0; i < queue->lane_count; i++)
		if (queue->lanes[i] == lane)
		{
			queue->lanes[i] = queue->lanes[--queue->lane_count];
			return;
		}
	assert(!"a lane that is counted is among the lanes");
}

void
pg_job_queue_failed(PgJobQueue *queue, int64_t now_ms)
{
	queue->pause_end_ms = now_ms + backoff_next_ms(&queue->pause);
}

void
pg_job_queue_succeeded(PgJobQueue *queue)
{
	backoff_reset(&queue->pause);
}

static void
list_take_late(PgJobQueue *queue, PgJobList *list, int64_t now_ms, PgJobList *late)
{
	/* All wait equally long: the first is the next to be late. */
	while (list->first != NULL && now_ms >= list->first->deadline_ms)
	{
		list_add(late, list_take(list, &list->first));
		queue->waiting--;
	}
}

PgJob *
pg_job_queue_take_late(PgJobQueue *queue, int64_t now_ms)
{
	PgJobList late;

	list_begin(&late);
	list_take_late(queue, &queue->alone, now_ms, &late);
	list_take_late(queue, &queue->joinable, now_ms, &late);
	return late.first;
}

PgJob *
pg_job_queue_take_all(PgJobQueue *queue)
{
	return pg_job_queue_take_late(queue, INT64_MAX);
}
