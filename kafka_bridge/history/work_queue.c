/*
 * work_queue.c
 *		A batch waits exactly when `applying` holds something and the worker has no batch: so there
 *		is no flag that could say otherwise.
 */
#include "work_queue.h"

#include <assert.h>

#include "base/clock.h"
#include "subscriber.h"

#define RETRY_INITIAL_MS 100
#define RETRY_MAXIMUM_MS 5000

/* By the state before and the state after. */
static const bool legal_moves[WORK_STATE_COUNT][WORK_STATE_COUNT] = {
	[WORK_IDLE] = {[WORK_RUNNING] = true, [WORK_RETRY_AT] = true},
	[WORK_RUNNING] = {[WORK_IDLE] = true},
	/* To itself: what stands before a task may fail again and again. */
	[WORK_RETRY_AT] = {[WORK_RUNNING] = true, [WORK_RETRY_AT] = true},
};

bool
work_move_is_legal(WorkState from, WorkState to)
{
	assert(from < WORK_STATE_COUNT && to < WORK_STATE_COUNT);
	return legal_moves[from][to];
}

static void
state_move(WorkQueue *queue, WorkState to)
{
	assert(work_move_is_legal(queue->state, to));
	queue->state = to;
}

void
work_queue_init(WorkQueue *queue, ApplyWorker *worker, const BatchLimits *limits)
{
	*queue = (WorkQueue){
		.worker = worker,
		.state = WORK_IDLE,
		.backoff = backoff_begin(RETRY_INITIAL_MS, RETRY_MAXIMUM_MS, (uint64_t) clock_wall_us()),
		.limits = *limits,
	};
	queue->gathering = &queue->batches[0];
	queue->applying = &queue->batches[1];
}

void
work_queue_free(WorkQueue *queue)
{
	batch_free(&queue->batches[0], subscriber_record_release);
	batch_free(&queue->batches[1], subscriber_record_release);
}

bool
work_queue_is_running(const WorkQueue *queue)
{
	return queue->state == WORK_RUNNING;
}

bool
work_queue_has_batch(const WorkQueue *queue)
{
	return queue->state == WORK_RUNNING && queue->kind == APPLY_TASK_BATCH;
}

bool
work_queue_is_ready(const WorkQueue *queue, int64_t now_ms)
{
	return queue->state == WORK_IDLE ||
		   (queue->state == WORK_RETRY_AT && now_ms >= queue->retry_at_ms);
}

bool
work_queue_batch_waits(const WorkQueue *queue)
{
	return !work_queue_has_batch(queue) && queue->applying->position_count > 0;
}

bool
work_queue_is_troubled(const WorkQueue *queue)
{
	return queue->failures > 0;
}

bool
work_queue_is_stuck(const WorkQueue *queue, int64_t now_ms, int64_t patience_ms)
{
	return (queue->failures > 0 || queue->state == WORK_RUNNING) &&
		   now_ms - queue->wanted_since_ms >= patience_ms;
}

bool
work_queue_is_served(const WorkQueue *queue, int64_t now_ms, int64_t patience_ms)
{
	return queue->has_succeeded && queue->failures == 0 &&
		   !work_queue_is_stuck(queue, now_ms, patience_ms);
}

bool
work_queue_is_full(const WorkQueue *queue)
{
	return batch_is_full(queue->gathering, &queue->limits);
}

Batch *
work_queue_applying(WorkQueue *queue)
{
	assert(!work_queue_has_batch(queue));
	return queue->applying;
}

void
work_queue_submit(WorkQueue *queue, ApplyTask *task, int64_t now_ms)
{
	if (queue->failures == 0)
		queue->wanted_since_ms = now_ms;
	task->cache_is_stale = queue->cache_is_stale;
	queue->cache_is_stale = false;
	state_move(queue, WORK_RUNNING);
	queue->kind = task->kind;
	apply_worker_submit(queue->worker, task);
}

void
work_queue_submit_batch(WorkQueue *queue, int64_t now_ms)
{
	ApplyTask task = {.kind = APPLY_TASK_BATCH};

	if (!work_queue_batch_waits(queue))
	{
		Batch *emptied = work_queue_applying(queue);

		queue->applying = queue->gathering;
		queue->gathering = emptied;
	}
	batch_assert_sane(queue->applying);
	task.batch = queue->applying;
	work_queue_submit(queue, &task, now_ms);
}

bool
work_queue_is_doubtful(const WorkQueue *queue)
{
	return !queue->has_succeeded || queue->failures > 0 || queue->is_doubted;
}

void
work_queue_submit_look(WorkQueue *queue, int64_t now_ms)
{
	work_queue_submit(queue, &(ApplyTask){.kind = APPLY_TASK_LOOK}, now_ms);
}

bool
work_queue_collect(WorkQueue *queue, int timeout_ms, ApplyTask *done)
{
	assert(queue->state == WORK_RUNNING);
	if (!apply_worker_finish(queue->worker, timeout_ms, done))
		return false;
	assert(done->kind == queue->kind);
	state_move(queue, WORK_IDLE);
	return true;
}

void
work_queue_succeed(WorkQueue *queue)
{
	assert(queue->state == WORK_IDLE);
	queue->failures = 0;
	queue->has_succeeded = true;
	queue->is_doubted = false;
	backoff_reset(&queue->backoff);
}

void
work_queue_retry_later(WorkQueue *queue, int64_t now_ms)
{
	state_move(queue, WORK_RETRY_AT);
	queue->failures++;
	queue->retry_at_ms = now_ms + backoff_next_ms(&queue->backoff);
}

void
work_queue_drop_partition(WorkQueue *queue, int32_t partition)
{
	batch_drop_partition(queue->gathering, partition, subscriber_record_release);
	if (!work_queue_has_batch(queue))
		batch_drop_partition(queue->applying, partition, subscriber_record_release);
}

void
work_queue_drop_all(WorkQueue *queue)
{
	batch_clear(queue->gathering, subscriber_record_release);
	if (!work_queue_has_batch(queue))
		batch_clear(queue->applying, subscriber_record_release);
}

void
work_queue_assert_sane(const WorkQueue *queue)
{
	assert(queue->state < WORK_STATE_COUNT);
	assert(queue->gathering != queue->applying);
	assert(queue->failures > 0 || queue->state != WORK_RETRY_AT);
	/* Of a batch with the worker nothing may be read here. */
	assert(queue->gathering->position_count > 0 || queue->gathering->count == 0);
}
