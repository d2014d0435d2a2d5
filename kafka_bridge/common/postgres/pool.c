/*
 * pool.c
 *		Threads, each with a session, that take jobs from one queue.
 *
 * One mutex guards the queue and the counts. A thread connects without it; while no thread has a
 * connection and one has failed to get one, the pool is gone: jobs are refused at once, for nobody
 * knows how long it would take. The keeper is a thread that refuses what has waited too long, for
 * the others may all be busy.
 */
#include "postgres/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "observe/log.h"
#include "postgres/job_queue.h"
#include "postgres/pool_session.h"

#define KEEPER_INTERVAL_MS	 100
#define IDLE_LOOK_MS		 1000 /* at whether the server has closed an idle connection */
#define RECONNECT_INITIAL_MS 50
#define RECONNECT_MAXIMUM_MS 2000

typedef struct PgWorker
{
	PgPool *pool;
	pthread_t thread;
	PgSession session;
	PgLane lane;
} PgWorker;

struct PgPool
{
	const PgPoolPlan *plan;
	Health *health;
	Metrics *metrics;
	PgPoolMetrics ids;
	int stop_fd; /* readable once the pool stops */
	pthread_mutex_t lock;
	pthread_cond_t job_came;
	PgJobQueue queue; /* lock, as all below */
	int64_t open;
	int64_t busy;
	bool is_gone;
	bool stopping;
	char reason[STATUS_TEXT_BYTES]; /* why there is no connection */
	pthread_t keeper;
	size_t worker_count; /* threads that were started */
	bool has_keeper;
	PgWorker workers[];
};

const ConfigOption pg_pool_options[] = {
	{
		.flag = "database-queue-max",
		.environment = "DATABASE_QUEUE_MAX",
		.type = CONFIG_INTEGER,
		.offset = offsetof(PgPoolOptions, queue_max),
		.default_text = "1000",
		.minimum = 1,
		.maximum = 100000,
		.help = "Requests that may wait for a connection; more are answered 503.",
	},
	{
		.flag = "database-queue-timeout",
		.environment = "DATABASE_QUEUE_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(PgPoolOptions, queue_timeout_ms),
		.default_text = "5s",
		.minimum = 10,
		.maximum = 600000,
		.help = "A request that has waited so long for a connection is answered 503.",
	},
	{
		.flag = "database-statement-timeout",
		.environment = "DATABASE_STATEMENT_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(PgPoolOptions, statement_timeout_ms),
		.default_text = "10s",
		.minimum = 10,
		.maximum = 600000,
		.help = "Longest a statement may take; then it is cancelled.",
	},
	{
		.flag = "database-lock-timeout",
		.environment = "DATABASE_LOCK_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(PgPoolOptions, lock_timeout_ms),
		.default_text = "4s",
		.minimum = 1,
		.maximum = 600000,
		.help = "Longest an operation waits for a wallet that another one has locked.",
	},
	CONFIG_OPTIONS_END,
};

static void
condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

PgPool *
pg_pool_new(const PgPoolPlan *plan)
{
	PgPool *pool = calloc(1, sizeof(PgPool) + (size_t) plan->options->size * sizeof(PgWorker));

	if (pool == NULL)
		return NULL;
	pool->plan = plan;
	pg_job_queue_begin(&pool->queue, plan->batch_max, plan->lanes_max);
	pool->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->stop_fd < 0)
	{
		free(pool);
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	condition_init(&pool->job_came);
	return pool;
}

/*
 * By the keeper alone, so that what the workers saw last cannot be told before what they saw first.
 */
static void
metrics_publish(const PgPool *pool)
{
	health_check_set(pool->health, pool->plan->name, pool->open > 0, "%s",
					 pool->open > 0 ? "" : pool->reason);
	metric_set(pool->metrics, pool->ids.connections, pool->ids.label, pool->open);
	metric_set(pool->metrics, pool->ids.busy, pool->ids.label, pool->busy);
	metric_set(pool->metrics, pool->ids.waiting, pool->ids.label, pool->queue.waiting);
}

/* Without the lock. */
static void
jobs_refuse(const PgPool *pool, PgJob *jobs, PgRefusal refusal)
{
	while (jobs != NULL)
	{
		PgJob *job = jobs;

		jobs = job->next;
		if (pool->metrics != NULL)
			metric_add(pool->metrics, pool->ids.refused, pool->ids.label, 1);
		job->refuse(job, refusal);
	}
}

void
pg_pool_submit(PgPool *pool, PgJob *job)
{
	PgRefusal refusal = PG_REFUSAL_FULL;
	int64_t now_ms = clock_monotonic_ms();
	bool is_queued = false;
	bool is_ready = false;

	job->next = NULL;
	job->deadline_ms = now_ms + pool->plan->options->queue_timeout_ms;
	pthread_mutex_lock(&pool->lock);
	if (pool->stopping)
		refusal = PG_REFUSAL_STOPPING;
	else if (pool->is_gone)
		refusal = PG_REFUSAL_GONE;
	else if (pool->queue.waiting < pool->plan->options->queue_max)
	{
		is_queued = true;
		pg_job_queue_add(&pool->queue, job);
		is_ready = pg_job_queue_is_ready(&pool->queue, now_ms);
	}
	pthread_mutex_unlock(&pool->lock);
	/* Without the lock, which the thread that wakes up wants at once. */
	if (is_ready)
		pthread_cond_signal(&pool->job_came);
	if (!is_queued)
		jobs_refuse(pool, job, refusal);
}

/* What only a person can mend is an error. The pool tries on: it may be mended at the server. */
static void
loss_log(const Status *reason)
{
	if (reason->class != STATUS_FATAL)
		log_status(LOG_LEVEL_WARNING, "PostgreSQL cannot be reached", reason);
	else if (pg_status_is(reason, PG_CLASS_AUTHORIZATION) ||
			 pg_status_is(reason, PG_CLASS_DATABASE))
		log_status(LOG_LEVEL_ERROR, "PostgreSQL refuses the login", reason);
	else
		log_status(LOG_LEVEL_ERROR, "PostgreSQL is not fit", reason);
}

static void
connection_count(PgPool *pool, int change, const Status *reason)
{
	PgJob *hopeless = NULL;

	pthread_mutex_lock(&pool->lock);
	pool->open += change;

	bool was_gone = pool->is_gone;

	pool->is_gone = pool->open == 0 && !pool->stopping;
	if (pool->is_gone)
		hopeless = pg_job_queue_take_all(&pool->queue);

	bool is_first = pool->open == 1 && change > 0;
	bool is_gone = pool->is_gone;

	if (is_gone)
		snprintf(pool->reason, sizeof(pool->reason), "%s", reason->text);
	pthread_mutex_unlock(&pool->lock);
	if (is_first)
		log_info("connected", log_text("peer", pool->plan->name));
	if (is_gone && !was_gone)
		loss_log(reason);
	jobs_refuse(pool, hopeless, PG_REFUSAL_GONE);
}

/* False when the pool stops. */
static bool
worker_connect(PgWorker *worker, Backoff *backoff)
{
	PgPool *pool = worker->pool;

	for (;;)
	{
		Wait wait = wait_begin(pool->stop_fd, WAIT_FOREVER);
		Status status = pg_session_open(&worker->session, &wait);

		if (status_is_ok(&status))
		{
			backoff_reset(backoff);
			connection_count(pool, 1, NULL);
			return true;
		}
		connection_count(pool, 0, &status);
		if (!wait_pause(pool->stop_fd, backoff_next_ms(backoff)))
			return false;
	}
}

static void
worker_disconnect(PgWorker *worker, const char *reason)
{
	Status status = status_retry("%s", reason);

	pg_session_close(&worker->session);
	connection_count(worker->pool, -1, &status);
}

/* With the lock held. */
static void
job_came_wait(PgPool *pool)
{
	struct timespec until;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_LOOK_MS / 1000;
	while (!pg_job_queue_is_ready(&pool->queue, clock_monotonic_ms()) && !pool->stopping &&
		   waited == 0)
		waited = pthread_cond_timedwait(&pool->job_came, &pool->lock, &until);
}

/*
 * A job or a batch, or NULL when there was none for a while or the pool stops. had_job: the worker
 * has done one since; all in one go, for the lock is every request's.
 */
static PgJob *
job_next(PgWorker *worker, bool had_job, bool *is_stopping)
{
	PgPool *pool = worker->pool;

	pthread_mutex_lock(&pool->lock);
	if (had_job)
		pool->busy--;
	pg_job_queue_lane_end(&pool->queue, &worker->lane);
	if (!pg_job_queue_is_ready(&pool->queue, clock_monotonic_ms()))
		job_came_wait(pool);

	int64_t now_ms = clock_monotonic_ms();
	PgJob *job = pg_job_queue_take(&pool->queue, &worker->lane, now_ms);
	bool is_ready = pg_job_queue_is_ready(&pool->queue, now_ms);

	if (job != NULL)
		pool->busy++;
	*is_stopping = pool->stopping;
	pthread_mutex_unlock(&pool->lock);
	/* It took one list's job where the lane that it gave up lets the other's go too. */
	if (is_ready)
		pthread_cond_signal(&pool->job_came);
	return job;
}

/* Back to the queue, where nobody has begun to take it down. */
static void
jobs_return(PgPool *pool, const PgBatch *batch)
{
	PgJob *hopeless = NULL;

	pthread_mutex_lock(&pool->lock);
	if (batch->failed)
		pg_job_queue_failed(&pool->queue, clock_monotonic_ms());
	else
		pg_job_queue_succeeded(&pool->queue);
	if (batch->jobs != NULL)
		pg_job_queue_return(&pool->queue, batch->jobs);

	bool is_stopping = pool->stopping;

	if (is_stopping || pool->is_gone)
		hopeless = pg_job_queue_take_all(&pool->queue);
	pthread_mutex_unlock(&pool->lock);
	if (batch->jobs != NULL && hopeless == NULL)
		pthread_cond_broadcast(&pool->job_came);
	jobs_refuse(pool, hopeless, is_stopping ? PG_REFUSAL_STOPPING : PG_REFUSAL_GONE);
}

static void
batch_run(PgWorker *worker, PgJob *jobs)
{
	PgBatch batch = {.jobs = jobs};

	jobs->company->run(&batch, &worker->session);
	jobs_return(worker->pool, &batch);
}

/* Returns when the connection broke, or the pool stops: then true. */
static bool
worker_serve(PgWorker *worker)
{
	PgPool *pool = worker->pool;
	PgSession *session = &worker->session;
	bool is_stopping = false;
	bool had_job = false;

	do
	{
		PgJob *job = job_next(worker, had_job, &is_stopping);

		had_job = job != NULL;
		if (had_job && job->next != NULL)
			batch_run(worker, job);
		else if (had_job)
			job->run(job, session);
		else if (!is_stopping && !pg_session_is_alive(session))
			break;
	} while (!is_stopping && !session->is_broken);
	pthread_mutex_lock(&pool->lock);
	pool->busy -= had_job;
	pg_job_queue_lane_end(&pool->queue, &worker->lane);
	bool is_ready = pg_job_queue_is_ready(&pool->queue, clock_monotonic_ms());
	is_stopping = pool->stopping;
	pthread_mutex_unlock(&pool->lock);
	if (is_ready)
		pthread_cond_signal(&pool->job_came);
	return is_stopping;
}

static void *
worker_main(void *argument)
{
	PgWorker *worker = argument;
	Backoff backoff = backoff_begin(RECONNECT_INITIAL_MS, RECONNECT_MAXIMUM_MS,
									(uint64_t) clock_wall_us() ^ (uintptr_t) worker);

	worker->session.plan = worker->pool->plan;
	while (worker_connect(worker, &backoff))
	{
		if (worker_serve(worker))
		{
			pg_session_close(&worker->session);
			break;
		}
		worker_disconnect(worker, "the connection was lost");
	}
	return NULL;
}

static void *
keeper_main(void *argument)
{
	PgPool *pool = argument;

	while (wait_pause(pool->stop_fd, KEEPER_INTERVAL_MS))
	{
		pthread_mutex_lock(&pool->lock);
		PgJob *late = pg_job_queue_take_late(&pool->queue, clock_monotonic_ms());
		bool is_ready = pg_job_queue_is_ready(&pool->queue, clock_monotonic_ms());
		metrics_publish(pool);
		pthread_mutex_unlock(&pool->lock);
		/* For jobs that have waited for a lane which is counted no more. */
		if (is_ready)
			pthread_cond_signal(&pool->job_came);
		jobs_refuse(pool, late, PG_REFUSAL_LATE);
	}
	return NULL;
}

Status
pg_pool_start(PgPool *pool, Health *health, Metrics *metrics, const PgPoolMetrics *pool_metrics)
{
	pool->health = health;
	pool->metrics = metrics;
	pool->ids = *pool_metrics;
	snprintf(pool->reason, sizeof(pool->reason), "not connected yet");
	health_check_set(health, pool->plan->name, false, "%s", pool->reason);
	pool->has_keeper = pthread_create(&pool->keeper, NULL, keeper_main, pool) == 0;
	if (!pool->has_keeper)
		return status_bug("no thread can be started");
	for (; pool->worker_count < (size_t) pool->plan->options->size; pool->worker_count++)
	{
		PgWorker *worker = &pool->workers[pool->worker_count];

		worker->pool = pool;
		if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
			return status_bug("no thread can be started");
	}
	return status_ok();
}

void
pg_pool_stop(PgPool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	PgJob *hopeless = pg_job_queue_take_all(&pool->queue);
	pthread_cond_broadcast(&pool->job_came);
	pthread_mutex_unlock(&pool->lock);
	eventfd_write(pool->stop_fd, 1);
	jobs_refuse(pool, hopeless, PG_REFUSAL_STOPPING);
	if (pool->has_keeper)
		pthread_join(pool->keeper, NULL);
	pool->has_keeper = false;
	for (; pool->worker_count > 0; pool->worker_count--)
		pthread_join(pool->workers[pool->worker_count - 1].thread, NULL);
}

void
pg_pool_free(PgPool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->worker_count == 0);
	pthread_cond_destroy(&pool->job_came);
	pthread_mutex_destroy(&pool->lock);
	close(pool->stop_fd);
	free(pool);
}
