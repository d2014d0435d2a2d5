/*
 * work_queues.c
 *		What holds for one of them, or for all.
 */
#include "work_queues.h"

#include <assert.h>

#include "subscriber.h"

void
work_queues_init(WorkQueues *all, ApplyWorker *const *workers, size_t count,
				 const BatchLimits *limits)
{
	assert(count >= 1 && count <= APPLIERS_MAX);
	all->count = count;
	for (size_t i = 0; i <= count; i++)
		work_queue_init(&all->queues[i], workers[i], limits);
}

void
work_queues_free(WorkQueues *all)
{
	for (size_t i = 0; i <= all->count; i++)
		work_queue_free(&all->queues[i]);
}

WorkQueue *
work_queues_of_partition(WorkQueues *all, int32_t partition)
{
	assert(partition >= 0);
	return &all->queues[(size_t) partition % all->count];
}

WorkQueue *
work_queues_counting(WorkQueues *all)
{
	return &all->queues[all->count];
}

WorkQueue *
work_queues_full_find(WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (work_queue_is_full(&all->queues[i]))
			return &all->queues[i];
	return NULL;
}

bool
work_queues_gather(const WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->queues[i].gathering->position_count > 0)
			return true;
	return false;
}

bool
work_queues_have_records(const WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (work_queue_has_batch(&all->queues[i]) || work_queue_batch_waits(&all->queues[i]))
			return true;
	return work_queues_gather(all);
}

bool
work_queues_are_running(const WorkQueues *all)
{
	for (size_t i = 0; i <= all->count; i++)
		if (work_queue_is_running(&all->queues[i]))
			return true;
	return false;
}

bool
work_queues_are_troubled(const WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (work_queue_is_troubled(&all->queues[i]))
			return true;
	return false;
}

bool
work_queues_are_stuck(const WorkQueues *all, int64_t now_ms, int64_t patience_ms)
{
	for (size_t i = 0; i < all->count; i++)
		if (work_queue_is_stuck(&all->queues[i], now_ms, patience_ms))
			return true;
	return false;
}

bool
work_queues_are_well(const WorkQueues *all)
{
	return !work_queues_are_troubled(all) && !work_queue_is_troubled(&all->queues[all->count]);
}

bool
work_queues_are_served(const WorkQueues *all, int64_t now_ms, int64_t patience_ms)
{
	for (size_t i = 0; i <= all->count; i++)
		if (!work_queue_is_served(&all->queues[i], now_ms, patience_ms))
			return false;
	return true;
}

bool
work_queues_could_submit(const WorkQueues *all, int64_t now_ms)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->queues[i].gathering->position_count > 0 &&
			work_queue_is_ready(&all->queues[i], now_ms))
			return true;
	return false;
}

void
work_queues_doubt(WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		all->queues[i].is_doubted = true;
}

void
work_queues_distrust_cache(WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		all->queues[i].cache_is_stale = true;
}

void
work_queues_drop_partition(WorkQueues *all, int32_t partition)
{
	work_queue_drop_partition(work_queues_of_partition(all, partition), partition);
}

void
work_queues_drop_gathered(WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		batch_clear(all->queues[i].gathering, subscriber_record_release);
}

void
work_queues_drop_all(WorkQueues *all)
{
	for (size_t i = 0; i < all->count; i++)
		work_queue_drop_all(&all->queues[i]);
}

void
work_queues_assert_sane(const WorkQueues *all)
{
	for (size_t i = 0; i <= all->count; i++)
		work_queue_assert_sane(&all->queues[i]);
	assert(all->queues[all->count].gathering->position_count == 0);
}
