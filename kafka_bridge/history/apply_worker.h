/*
 * apply_worker.h
 *		A thread that works with PostgreSQL, so that a slow or absent PostgreSQL never stops the
 *		polling of Kafka, and reading overlaps with writing.
 *
 * One task at a time: whoever submitted it leaves what it points to alone until it is finished.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "applier.h"
#include "batch.h"
#include "dead_letter.h"
#include "base/status.h"

typedef enum ApplyTaskKind
{
	APPLY_TASK_LOOK,  /* whether PostgreSQL can be reached */
	APPLY_TASK_CLAIM, /* take partitions over */
	APPLY_TASK_BATCH, /* dead letters first, then rows and positions */
	APPLY_TASK_COUNT  /* what is recorded, and how late the history is */
} ApplyTaskKind;

typedef struct ApplyTask
{
	ApplyTaskKind kind;
	PositionClaim *claims; /* CLAIM */
	size_t claim_count;
	Batch *batch;				  /* BATCH */
	bool cache_is_stale;		  /* in: what is known of stored versions may be wrong */
	ApplyReport report;			  /* out, BATCH */
	size_t dead_letters;		  /* out, BATCH: sent */
	const PositionReach *reaches; /* COUNT */
	size_t reach_count;
	HistoryCounts counts; /* out, COUNT */
	bool positions_lost;  /* out, COUNT: stored positions are before those that were applied */
	int64_t duration_us;  /* out */
	Status status;		  /* out */
} ApplyTask;

typedef struct ApplyWorker ApplyWorker;

/* Both are the worker's alone until apply_worker_stop(). NULL when there is no thread to be had. */
ApplyWorker *apply_worker_start(Applier *applier, DeadLetter *dead_letter);

/* Waits for the current task and ends the thread; NULL is fine. */
void apply_worker_stop(ApplyWorker *worker);

/* The worker must be idle. */
void apply_worker_submit(ApplyWorker *worker, const ApplyTask *task);

/* Waits at most timeout_ms for the submitted task; true: it is done and the worker is idle. */
bool apply_worker_finish(ApplyWorker *worker, int timeout_ms, ApplyTask *done);
