/*
 * apply_worker.c
 *		mutex guards state and task; the task itself belongs to the thread while it is RUNNING.
 */
#include "apply_worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/wait.h"

#define DEAD_LETTER_TIMEOUT_MS 30000

typedef enum WorkerState
{
	WORKER_IDLE,
	WORKER_RUNNING,
	WORKER_FINISHED /* the result was not fetched yet */
} WorkerState;

struct ApplyWorker
{
	Applier *applier;
	DeadLetter *dead_letter;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	WorkerState state;
	bool end_asked;
	ApplyTask task;
};

static void
batch_task_run(ApplyWorker *worker, ApplyTask *task)
{
	Wait wait = wait_begin(-1, DEAD_LETTER_TIMEOUT_MS);

	task->status = dead_letter_send(worker->dead_letter, task->batch, &wait, &task->dead_letters);
	if (status_is_ok(&task->status))
		task->status = applier_apply(worker->applier, task->batch, &task->report);
}

static void
task_run(ApplyWorker *worker, ApplyTask *task)
{
	int64_t start_us = clock_monotonic_us();

	if (task->cache_is_stale)
		applier_forget(worker->applier);
	switch (task->kind)
	{
		case APPLY_TASK_LOOK:
			task->status = applier_look(worker->applier);
			break;
		case APPLY_TASK_CLAIM:
			task->status = applier_claim(worker->applier, task->claims, task->claim_count);
			break;
		case APPLY_TASK_BATCH:
			batch_task_run(worker, task);
			break;
		case APPLY_TASK_COUNT:
			task->status = applier_count(worker->applier, task->reaches, task->reach_count,
										 &task->counts, &task->positions_lost);
			break;
	}
	task->duration_us = clock_monotonic_us() - start_us;
}

static void *
worker_main(void *argument)
{
	ApplyWorker *worker = argument;

	pthread_mutex_lock(&worker->mutex);
	for (;;)
	{
		while (worker->state != WORKER_RUNNING && !worker->end_asked)
			pthread_cond_wait(&worker->changed, &worker->mutex);
		if (worker->state != WORKER_RUNNING)
			break;
		pthread_mutex_unlock(&worker->mutex);
		task_run(worker, &worker->task);
		pthread_mutex_lock(&worker->mutex);
		worker->state = WORKER_FINISHED;
		pthread_cond_broadcast(&worker->changed);
	}
	pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

ApplyWorker *
apply_worker_start(Applier *applier, DeadLetter *dead_letter)
{
	ApplyWorker *worker = calloc(1, sizeof(*worker));
	pthread_condattr_t attributes;

	if (worker == NULL)
		return NULL;
	worker->applier = applier;
	worker->dead_letter = dead_letter;
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
	{
		free(worker);
		return NULL;
	}
	return worker;
}

void
apply_worker_stop(ApplyWorker *worker)
{
	if (worker == NULL)
		return;
	pthread_mutex_lock(&worker->mutex);
	worker->end_asked = true;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
	pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->mutex);
	free(worker);
}

void
apply_worker_submit(ApplyWorker *worker, const ApplyTask *task)
{
	pthread_mutex_lock(&worker->mutex);
	assert(worker->state == WORKER_IDLE);
	worker->task = *task;
	worker->state = WORKER_RUNNING;
	pthread_cond_broadcast(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
}

bool
apply_worker_finish(ApplyWorker *worker, int timeout_ms, ApplyTask *done)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout_ms / 1000;
	deadline.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000)
	{
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&worker->mutex);
	/* Asked after each record: a wait of no time would still cost a system call. */
	while (timeout_ms > 0 && worker->state == WORKER_RUNNING &&
		   pthread_cond_timedwait(&worker->changed, &worker->mutex, &deadline) == 0)
		;

	bool finished = worker->state == WORKER_FINISHED;

	if (finished)
	{
		*done = worker->task;
		worker->state = WORKER_IDLE;
	}
	pthread_mutex_unlock(&worker->mutex);
	return finished;
}
