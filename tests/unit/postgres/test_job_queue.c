/*
 * test_job_queue.c
 *		Which jobs a worker takes: order, batches, lanes, jobs that come back, pauses.
 *
 * Beside single cases, a long random run that looks at what must hold after each step: every job is
 * in one place, goes out once, in order within its list, and never beside the lanes there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assert_within.h"
#include "postgres/job_queue.h"

typedef struct TestJob
{
	PgJob job; /* first */
	int kind;
	bool is_out;
	bool was_in_batch;
} TestJob;

static bool
kinds_fit(const PgJob *job, const PgJob *other)
{
	return ((const TestJob *) job)->kind == ((const TestJob *) other)->kind;
}

static const PgCompany company = {.fits = kinds_fit};

/* kind 0: always alone. */
static void
job_add(PgJobQueue *queue, TestJob *job, int kind, int64_t deadline_ms)
{
	*job = (TestJob){.kind = kind};
	job->job.company = kind > 0 ? &company : NULL;
	job->job.deadline_ms = deadline_ms;
	pg_job_queue_add(queue, &job->job);
}

static void
jobs_expect(const PgJob *jobs, TestJob *const *expected)
{
	for (; *expected != NULL; expected++, jobs = jobs->next)
		assert_ptr_equal(jobs, &(*expected)->job);
	assert_null(jobs);
}

#define EXPECT(jobs, ...) jobs_expect(jobs, (TestJob *const[]){__VA_ARGS__, NULL})

static void
test_one_goes_at_once(void **state)
{
	PgJobQueue queue;
	PgLane lane = {0};
	TestJob jobs[1];

	(void) state;
	pg_job_queue_begin(&queue, 10, 1);
	assert_false(pg_job_queue_is_ready(&queue, 0));
	assert_null(pg_job_queue_take(&queue, &lane, 0));
	job_add(&queue, &jobs[0], 1, 100);
	assert_int_equal(queue.waiting, 1);
	assert_true(pg_job_queue_is_ready(&queue, 0));
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[0]);
	assert_int_equal(queue.waiting, 0);
	assert_true(lane.is_counted);
	pg_job_queue_lane_end(&queue, &lane);
	pg_job_queue_lane_end(&queue, &lane);
	assert_false(lane.is_counted);
}

static void
test_what_waits_goes_together(void **state)
{
	PgJobQueue queue;
	PgLane lanes[2] = {{0}};
	TestJob jobs[7];

	(void) state;
	pg_job_queue_begin(&queue, 3, 1);
	job_add(&queue, &jobs[0], 1, 100);
	EXPECT(pg_job_queue_take(&queue, &lanes[0], 0), &jobs[0]);
	for (size_t i = 1; i < 6; i++)
		job_add(&queue, &jobs[i], i == 2 ? 2 : 1, 100);
	/* The lane is taken: others pass. */
	assert_false(pg_job_queue_is_ready(&queue, 0));
	job_add(&queue, &jobs[6], 0, 100);
	assert_true(pg_job_queue_is_ready(&queue, 0));
	EXPECT(pg_job_queue_take(&queue, &lanes[1], 0), &jobs[6]);
	assert_false(lanes[1].is_counted);
	/* Those that fit, no more than may. */
	pg_job_queue_lane_end(&queue, &lanes[0]);
	EXPECT(pg_job_queue_take(&queue, &lanes[0], 0), &jobs[1], &jobs[3], &jobs[4]);
	pg_job_queue_lane_end(&queue, &lanes[0]);
	EXPECT(pg_job_queue_take(&queue, &lanes[0], 0), &jobs[2]);
	pg_job_queue_lane_end(&queue, &lanes[0]);
	EXPECT(pg_job_queue_take(&queue, &lanes[0], 0), &jobs[5]);
	assert_int_equal(queue.waiting, 0);
}

static void
test_oldest_first(void **state)
{
	PgJobQueue queue;
	PgLane lane = {0};
	TestJob jobs[3];

	(void) state;
	pg_job_queue_begin(&queue, 10, 1);
	job_add(&queue, &jobs[0], 0, 100);
	job_add(&queue, &jobs[1], 1, 100);
	job_add(&queue, &jobs[2], 0, 100);
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[0]);
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[1]);
	pg_job_queue_lane_end(&queue, &lane);
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[2]);
}

static void
test_without_batches(void **state)
{
	PgJobQueue queue;
	PgLane lanes[3] = {{0}};
	TestJob jobs[3];

	(void) state;
	pg_job_queue_begin(&queue, 1, 1);
	for (size_t i = 0; i < 3; i++)
		job_add(&queue, &jobs[i], 1, 100);
	for (size_t i = 0; i < 3; i++)
		EXPECT(pg_job_queue_take(&queue, &lanes[i], 0), &jobs[i]);
}

static void
test_slow_lane_is_not_counted(void **state)
{
	PgJobQueue queue;
	PgLane lanes[3] = {{0}};
	TestJob jobs[4];

	(void) state;
	pg_job_queue_begin(&queue, 10, 2);
	for (size_t i = 0; i < 2; i++)
	{
		job_add(&queue, &jobs[i], 1, 1000);
		EXPECT(pg_job_queue_take(&queue, &lanes[i], (int64_t) i), &jobs[i]);
	}
	job_add(&queue, &jobs[2], 1, 1000);
	job_add(&queue, &jobs[3], 1, 1000);
	assert_false(pg_job_queue_is_ready(&queue, PG_LANE_TIME_MS - 1));
	assert_true(pg_job_queue_is_ready(&queue, PG_LANE_TIME_MS));
	assert_false(lanes[0].is_counted);
	assert_true(lanes[1].is_counted);
	EXPECT(pg_job_queue_take(&queue, &lanes[2], PG_LANE_TIME_MS), &jobs[2], &jobs[3]);
	/* Its end makes no room a second time. */
	pg_job_queue_lane_end(&queue, &lanes[0]);
	job_add(&queue, &jobs[0], 1, 1000);
	assert_false(pg_job_queue_is_ready(&queue, PG_LANE_TIME_MS));
	pg_job_queue_lane_end(&queue, &lanes[1]);
	assert_true(pg_job_queue_is_ready(&queue, PG_LANE_TIME_MS));
}

static void
test_jobs_come_back(void **state)
{
	PgJobQueue queue;
	PgLane lane = {0};
	TestJob jobs[6];

	(void) state;
	pg_job_queue_begin(&queue, 10, 1);
	for (size_t i = 0; i < 4; i++)
		job_add(&queue, &jobs[i], 1, 100);

	PgJob *batch = pg_job_queue_take(&queue, &lane, 0);

	EXPECT(batch, &jobs[0], &jobs[1], &jobs[2], &jobs[3]);
	job_add(&queue, &jobs[4], 0, 100);
	job_add(&queue, &jobs[5], 1, 100);
	/* Of the four two are done. */
	jobs[0].job.next = &jobs[2].job;
	jobs[2].job.next = NULL;
	pg_job_queue_return(&queue, batch);
	assert_int_equal(queue.waiting, 4);
	/* One by one, before all others, whether there is a lane or not. */
	PgLane other = {0};

	EXPECT(pg_job_queue_take(&queue, &other, 0), &jobs[0]);
	assert_false(other.is_counted);
	EXPECT(pg_job_queue_take(&queue, &other, 0), &jobs[2]);
	EXPECT(pg_job_queue_take(&queue, &other, 0), &jobs[4]);
	assert_null(pg_job_queue_take(&queue, &other, 0));
	pg_job_queue_lane_end(&queue, &lane);
	EXPECT(pg_job_queue_take(&queue, &other, 0), &jobs[5]);
	/* The end of the list is where it should be. */
	jobs[1].job.next = NULL;
	pg_job_queue_return(&queue, &jobs[1].job);
	job_add(&queue, &jobs[0], 0, 100);
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[1]);
	EXPECT(pg_job_queue_take(&queue, &lane, 0), &jobs[0]);
}

static void
test_pause(void **state)
{
	PgJobQueue queue;
	PgLane lanes[4] = {{0}};
	TestJob jobs[4];

	(void) state;
	pg_job_queue_begin(&queue, 10, 1);
	pg_job_queue_failed(&queue, 1000);
	assert_within(queue.pause_end_ms, 1000 + PG_PAUSE_FIRST_MS / 2, 1000 + PG_PAUSE_FIRST_MS);
	for (size_t i = 0; i < 4; i++)
		job_add(&queue, &jobs[i], 1, 5000);
	/* As if there were no batches: all at the same time. */
	EXPECT(pg_job_queue_take(&queue, &lanes[0], 1000), &jobs[0]);
	EXPECT(pg_job_queue_take(&queue, &lanes[1], 1000), &jobs[1]);
	EXPECT(pg_job_queue_take(&queue, &lanes[2], queue.pause_end_ms), &jobs[2], &jobs[3]);
	for (int n = 0; n < 10; n++)
		pg_job_queue_failed(&queue, 2000);
	assert_within(queue.pause_end_ms, 2000 + PG_PAUSE_LONGEST_MS / 2, 2000 + PG_PAUSE_LONGEST_MS);
	pg_job_queue_succeeded(&queue);
	pg_job_queue_failed(&queue, 10000);
	assert_within(queue.pause_end_ms, 10000, 10000 + PG_PAUSE_FIRST_MS);
}

static void
test_late(void **state)
{
	PgJobQueue queue;
	PgLane lane = {0};
	TestJob jobs[5];

	(void) state;
	pg_job_queue_begin(&queue, 10, 1);
	for (size_t i = 0; i < 5; i++)
		job_add(&queue, &jobs[i], i % 2 == 0 ? 1 : 0, 100 + 10 * (int64_t) i);
	assert_null(pg_job_queue_take_late(&queue, 99));
	EXPECT(pg_job_queue_take_late(&queue, 119), &jobs[1], &jobs[0]);
	assert_int_equal(queue.waiting, 3);
	EXPECT(pg_job_queue_take(&queue, &lane, 119), &jobs[2], &jobs[4]);
	EXPECT(pg_job_queue_take_all(&queue), &jobs[3]);
	assert_null(pg_job_queue_take_all(&queue));
	assert_int_equal(queue.waiting, 0);
}

#define RUN_JOBS  20000
#define RUN_LANES 5

/* A worker of the random run. */
typedef struct TestWorker
{
	PgLane lane;
	PgJob *jobs;
} TestWorker;

static void
worker_take(PgJobQueue *queue, TestWorker *worker, int64_t now_ms)
{
	bool was_ready = pg_job_queue_is_ready(queue, now_ms);
	uint64_t last = 0;

	worker->jobs = pg_job_queue_take(queue, &worker->lane, now_ms);
	assert_int_equal(worker->jobs != NULL, was_ready);
	for (PgJob *job = worker->jobs; job != NULL; job = job->next)
	{
		TestJob *taken = (TestJob *) job;

		assert_false(taken->is_out);
		assert_true(job == worker->jobs || job->number > last);
		assert_true(worker->jobs->next == NULL ||
					(worker->lane.is_counted && !taken->was_in_batch));
		assert_true(kinds_fit(worker->jobs, job));
		taken->is_out = true;
		last = job->number;
	}
	assert_true(queue->lane_count <= queue->lanes_max);
}

/* Some of a batch come back. */
static void
worker_end(PgJobQueue *queue, TestWorker *worker, int64_t now_ms, int *done)
{
	bool is_batch = worker->jobs != NULL && worker->jobs->next != NULL;
	PgJob *rest = NULL;
	PgJob **end = &rest;

	for (PgJob *job = worker->jobs, *next; job != NULL; job = next)
	{
		next = job->next;
		if (!is_batch || rand() % 3 > 0)
		{
			(*done)++;
			continue;
		}
		((TestJob *) job)->was_in_batch = true;
		((TestJob *) job)->is_out = false;
		*end = job;
		end = &job->next;
	}
	*end = NULL;
	if (is_batch && rand() % 20 == 0)
		pg_job_queue_failed(queue, now_ms);
	pg_job_queue_return(queue, rest);
	pg_job_queue_lane_end(queue, &worker->lane);
	worker->jobs = NULL;
}

static void
test_random_run(void **state)
{
	TestJob *jobs = calloc(RUN_JOBS, sizeof(TestJob));
	TestWorker workers[RUN_LANES] = {{{0}, NULL}};
	PgJobQueue queue;
	int64_t now_ms = 0;
	int added = 0;
	int done = 0;

	(void) state;
	assert_non_null(jobs);
	srand(1);
	pg_job_queue_begin(&queue, 6, 2);
	while (done < RUN_JOBS)
	{
		TestWorker *worker = &workers[rand() % RUN_LANES];

		now_ms += rand() % 10 == 0 ? rand() % 30 : 0;
		if (added < RUN_JOBS && rand() % 2 == 0)
		{
			job_add(&queue, &jobs[added], rand() % 4, now_ms + 1000000);
			added++;
		}
		else if (worker->jobs != NULL)
			worker_end(&queue, worker, now_ms, &done);
		else
			worker_take(&queue, worker, now_ms);
	}
	assert_int_equal(queue.waiting, 0);
	assert_false(pg_job_queue_is_ready(&queue, now_ms));
	for (int i = 0; i < RUN_JOBS; i++)
		assert_true(jobs[i].is_out);
	free(jobs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_goes_at_once),
		cmocka_unit_test(test_what_waits_goes_together),
		cmocka_unit_test(test_oldest_first),
		cmocka_unit_test(test_without_batches),
		cmocka_unit_test(test_slow_lane_is_not_counted),
		cmocka_unit_test(test_jobs_come_back),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_random_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
