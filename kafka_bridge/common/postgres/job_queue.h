/*
 * job_queue.h
 *		The jobs of a pool that wait, and which of them a free worker takes. Pure: the pool's mutex
 *		is around every call.
 *
 * joinable	a job that may be done in one transaction with others of its company
 * batch	jobs that are taken together
 * lane		a worker that is at work on joinable jobs, one or a batch
 *
 * Jobs go out in the order they came. A joinable one goes at once, by itself, while there is a
 * lane. Once all lanes are taken such jobs let the others pass, and as soon as a lane ends all that
 * wait and fit together go: nothing ever waits for company. A lane that lasts too long is counted
 * no more, so that a locked wallet or a lost connection holds up the jobs of its batch only.
 *
 * A job that comes back from a batch is not joinable any more and is the next to go out. After a
 * batch that failed as a whole jobs go one by one for a while, each time longer until one succeeds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "postgres/pool.h"

#define PG_LANES_MAX		16
#define PG_LANE_TIME_MS		50 /* then it is counted no more */
#define PG_PAUSE_FIRST_MS	100
#define PG_PAUSE_LONGEST_MS 5000

typedef struct PgJobList
{
	PgJob *first;
	PgJob **end;
} PgJobList;

/* A worker's. */
typedef struct PgLane
{
	bool is_counted;
	int64_t begun_ms;
} PgLane;

typedef struct PgJobQueue
{
	PgJobList alone;
	PgJobList joinable;
	int64_t waiting;
	uint64_t came; /* jobs so far */
	size_t batch_max;
	size_t lanes_max;
	PgLane *lanes[PG_LANES_MAX]; /* those that are counted */
	size_t lane_count;
	Backoff pause;
	int64_t pause_end_ms;
} PgJobQueue;

/* batch_max: jobs that go together; 1 or less: none do. lanes_max: 1 to PG_LANES_MAX. */
void pg_job_queue_begin(PgJobQueue *queue, size_t batch_max, size_t lanes_max);

/* The deadline has been set, and is not before that of the last job that was added. */
void pg_job_queue_add(PgJobQueue *queue, PgJob *job);

/* Jobs of a batch, chained in the order they came. */
void pg_job_queue_return(PgJobQueue *queue, PgJob *jobs);

/* Whether pg_job_queue_take() would find something. */
bool pg_job_queue_is_ready(PgJobQueue *queue, int64_t now_ms);

/* A job, or a batch chained by next; lane: the worker's, ended by pg_job_queue_lane_end(). */
PgJob *pg_job_queue_take(PgJobQueue *queue, PgLane *lane, int64_t now_ms);
void pg_job_queue_lane_end(PgJobQueue *queue, PgLane *lane);

/* How a batch went. */
void pg_job_queue_failed(PgJobQueue *queue, int64_t now_ms);
void pg_job_queue_succeeded(PgJobQueue *queue);

/* Chained: those whose deadline is over; all. */
PgJob *pg_job_queue_take_late(PgJobQueue *queue, int64_t now_ms);
PgJob *pg_job_queue_take_all(PgJobQueue *queue);
