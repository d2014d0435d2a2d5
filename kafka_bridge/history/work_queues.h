/*
 * work_queues.h
 *		The appliers' queues, side by side, and one more that counts, so that no batch waits for
 *		that.
 *
 * A partition belongs to one applier for ever, by its number: its records, and so a wallet's, are
 * applied in order. All of it belongs to the consumer's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "work_queue.h"

#define APPLIERS_MAX 16

typedef struct WorkQueues
{
	size_t count; /* of appliers; at queues[count] is the queue that counts, and gets no records */
	WorkQueue queues[APPLIERS_MAX + 1];
} WorkQueues;

/* workers: of the appliers, then the one that counts; not owned, all idle. */
void work_queues_init(WorkQueues *all, ApplyWorker *const *workers, size_t count,
					  const BatchLimits *limits);

/* The workers must have ended. */
void work_queues_free(WorkQueues *all);

WorkQueue *work_queues_of_partition(WorkQueues *all, int32_t partition);
WorkQueue *work_queues_counting(WorkQueues *all);

/* One whose gathering batch is full, or NULL. */
WorkQueue *work_queues_full_find(WorkQueues *all);

bool work_queues_gather(const WorkQueues *all); /* one of them has gathered something */

/* Records are gathered, or with a worker, or wait to be tried again. */
bool work_queues_have_records(const WorkQueues *all);

bool work_queues_are_running(const WorkQueues *all); /* one of them is */

/* As of one queue. Troubled or stuck: one of the appliers, for events may be applied that can't be
 * counted; served: all. */
bool work_queues_are_troubled(const WorkQueues *all);
bool work_queues_are_stuck(const WorkQueues *all, int64_t now_ms, int64_t patience_ms);
bool work_queues_are_served(const WorkQueues *all, int64_t now_ms, int64_t patience_ms);

/* The last task of each has succeeded, or nothing was asked of it yet. */
bool work_queues_are_well(const WorkQueues *all);

/* Gathered records wait for nothing but the end of the reading. */
bool work_queues_could_submit(const WorkQueues *all, int64_t now_ms);

/* Something else has failed: each applier looks whether it can go on. */
void work_queues_doubt(WorkQueues *all);

/* What the appliers know of stored versions may be wrong. */
void work_queues_distrust_cache(WorkQueues *all);

void work_queues_drop_partition(WorkQueues *all, int32_t partition);
void work_queues_drop_gathered(WorkQueues *all);
void work_queues_drop_all(WorkQueues *all);

void work_queues_assert_sane(const WorkQueues *all);
