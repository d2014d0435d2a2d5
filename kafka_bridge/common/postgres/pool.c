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
	PgJob *first; /* lock, as all below */
	PgJob **end;
	int64_t waiting;
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
	pool->end = &pool->first;
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

/* All of these with the lock held. */

static PgJob *
queue_take(PgPool *pool)
{
	PgJob *job = pool->first;

	if (job == NULL)
		return NULL;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->end = &pool->first;
	pool->waiting--;
	return job;
}

/* The jobs that must be refused now, taken out of the queue. */
static PgJob *
queue_take_hopeless(PgPool *pool, bool all)
{
	PgJob *hopeless = NULL;
	PgJob **end = &hopeless;
	int64_t now_ms = clock_monotonic_ms();

	/* All wait equally long: the first is the next to be late. */
	while (pool->first != NULL && (all || now_ms >= pool->first->deadline_ms))
	{
		*end = queue_take(pool);
		end = &(*end)->next;
		*end = NULL;
	}
	return hopeless;
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
	metric_set(pool->metrics, pool->ids.waiting, pool->ids.label, pool->waiting);
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
	bool is_queued = false;

	job->next = NULL;
	job->deadline_ms = clock_monotonic_ms() + pool->plan->options->queue_timeout_ms;
	pthread_mutex_lock(&pool->lock);
	if (pool->stopping)
		refusal = PG_REFUSAL_STOPPING;
	else if (pool->is_gone)
		refusal = PG_REFUSAL_GONE;
	else if (pool->waiting < pool->plan->options->queue_max)
	{
		is_queued = true;
		*pool->end = job;
		pool->end = &job->next;
		pool->waiting++;
	}
	pthread_mutex_unlock(&pool->lock);
	/* Without the lock, which the thread that wakes up wants at once. */
	if (is_queued)
		pthread_cond_signal(&pool->job_came);
	else
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
		hopeless = queue_take_hopeless(pool, true);

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
	while (pool->first == NULL && !pool->stopping && waited == 0)
		waited = pthread_cond_timedwait(&pool->job_came, &pool->lock, &until);
}

/*
 * A job, or NULL when there was none for a while or the pool stops. had_job: the worker has done
 * one since; all in one go, for the lock is every request's.
 */
static PgJob *
job_next(PgPool *pool, bool had_job, bool *is_stopping)
{
	pthread_mutex_lock(&pool->lock);
	if (had_job)
		pool->busy--;
	if (pool->first == NULL)
		job_came_wait(pool);

	PgJob *job = queue_take(pool);

	if (job != NULL)
		pool->busy++;
	*is_stopping = pool->stopping;
	pthread_mutex_unlock(&pool->lock);
	return job;
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
		PgJob *job = job_next(pool, had_job, &is_stopping);

		had_job = job != NULL;
		if (had_job)
			job->run(job, session);
		else if (!is_stopping && !pg_session_is_alive(session))
			break;
	} while (!is_stopping && !session->is_broken);
	pthread_mutex_lock(&pool->lock);
	pool->busy -= had_job;
	is_stopping = pool->stopping;
	pthread_mutex_unlock(&pool->lock);
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
		PgJob *late = queue_take_hopeless(pool, false);
		metrics_publish(pool);
		pthread_mutex_unlock(&pool->lock);
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
	PgJob *hopeless = queue_take_hopeless(pool, true);
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
