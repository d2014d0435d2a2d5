/*
 * work_queue.h
 *		The records in memory that one applier will have, and what its worker is busy with.
 *
 *		IDLE		the worker has nothing to do
 *		RUNNING		it has a task, of the kind that `kind` says
 *		RETRY_AT	the last task failed: none begins before retry_at_ms
 *
 * Words: gathering is the batch that records are added to; applying is the one that is with the
 * worker, or waits to be tried again. Every record in memory is in one of the two.
 *
 * All of it belongs to the consumer's thread, but for `applying`, which is the worker's while it
 * runs a batch: work_queue_applying() asserts that it does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply_worker.h"
#include "base/backoff.h"
#include "batch.h"

typedef enum WorkState
{
	WORK_IDLE,
	WORK_RUNNING,
	WORK_RETRY_AT,
	WORK_STATE_COUNT
} WorkState;

typedef struct WorkQueue
{
	ApplyWorker *worker; /* not owned */
	WorkState state;
	ApplyTaskKind kind;		 /* RUNNING */
	int64_t retry_at_ms;	 /* RETRY_AT */
	int64_t failures;		 /* tasks that failed since the last that did not */
	bool has_succeeded;		 /* some task did, ever */
	bool is_doubted;		 /* somebody else's task failed since */
	int64_t wanted_since_ms; /* the first task began that did not succeed yet */
	Backoff backoff;
	bool cache_is_stale; /* the next task must not trust what is known of stored versions */
	Batch batches[2];
	Batch *gathering;
	Batch *applying;
	int64_t gathering_since_ms; /* the gathering batch was empty last */
	BatchLimits limits;
} WorkQueue;

/* Whether the queue may go from one state to another; every move is asserted. */
bool work_move_is_legal(WorkState from, WorkState to);

/* The worker is not owned and must be idle. */
void work_queue_init(WorkQueue *queue, ApplyWorker *worker, const BatchLimits *limits);

/* The worker must have ended. */
void work_queue_free(WorkQueue *queue);

bool work_queue_is_running(const WorkQueue *queue);
bool work_queue_has_batch(const WorkQueue *queue); /* the worker has one */

/* Whether a task may begin now. */
bool work_queue_is_ready(const WorkQueue *queue, int64_t now_ms);

/* Whether a batch waits to be tried again. */
bool work_queue_batch_waits(const WorkQueue *queue);

/* The last task failed, and none has succeeded since. */
bool work_queue_is_troubled(const WorkQueue *queue);

/* Something is wanted of the worker's peers, and not done for so long. */
bool work_queue_is_stuck(const WorkQueue *queue, int64_t now_ms, int64_t patience_ms);

/* Tasks can be done at this time, by all that is known. */
bool work_queue_is_served(const WorkQueue *queue, int64_t now_ms, int64_t patience_ms);

bool work_queue_is_full(const WorkQueue *queue);

/* The batch that waits or was just finished; never while the worker has it. */
Batch *work_queue_applying(WorkQueue *queue);

/* The worker must not be running. */
void work_queue_submit(WorkQueue *queue, ApplyTask *task, int64_t now_ms);

/* Submits the batch that waits, else the gathered one. */
void work_queue_submit_batch(WorkQueue *queue, int64_t now_ms);

/* Whether nothing succeeded yet, or not since the last failure, be it another's. */
bool work_queue_is_doubtful(const WorkQueue *queue);

/* Submits a look whether PostgreSQL can be reached. */
void work_queue_submit_look(WorkQueue *queue, int64_t now_ms);

/* Waits at most timeout_ms for the task; true: it is done, and the worker is idle. */
bool work_queue_collect(WorkQueue *queue, int timeout_ms, ApplyTask *done);

/* What came of the task. */
void work_queue_succeed(WorkQueue *queue);
void work_queue_retry_later(WorkQueue *queue, int64_t now_ms);

/* Drops records of a partition that is gone; those with the worker are settled when they return. */
void work_queue_drop_partition(WorkQueue *queue, int32_t partition);

/* Drops all records but those with the worker. */
void work_queue_drop_all(WorkQueue *queue);

void work_queue_assert_sane(const WorkQueue *queue);
