/*
 * test_work_queues.c
 *		The queues of several appliers, and what holds for all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "history/work_queues.h"

#define APPLIERS 3

static ApplyWorker *const nobody[APPLIERS_MAX + 1];
static const BatchLimits limits = {.records = 2, .bytes = 1000};

static void
queues_start(WorkQueues *all)
{
	work_queues_init(all, nobody, APPLIERS, &limits);
	for (size_t i = 0; i <= APPLIERS; i++)
		work_queue_succeed(&all->queues[i]);
}

/* A record that is poison needs no event. */
static void
record_gather(WorkQueue *queue, int32_t partition, int64_t offset)
{
	BatchSource place = {.partition = partition, .offset = offset, .fence = 1, .position = offset};

	assert_true(batch_add_poison(queue->gathering, &place, "Test", "no event"));
}

static void
release_nothing(void *handle)
{
	(void) handle;
}

static void
test_a_partition_has_one_applier_for_ever(void **state)
{
	WorkQueues all;
	size_t partitions[APPLIERS + 1] = {0};

	(void) state;
	queues_start(&all);
	for (int32_t partition = 0; partition < 12; partition++)
	{
		WorkQueue *queue = work_queues_of_partition(&all, partition);

		assert_ptr_equal(queue, work_queues_of_partition(&all, partition));
		assert_ptr_not_equal(queue, work_queues_counting(&all));
		partitions[queue - all.queues]++;
	}
	for (size_t i = 0; i < APPLIERS; i++)
		assert_int_equal(partitions[i], 4);
	work_queues_free(&all);
}

static void
test_one_in_trouble_is_trouble_and_all_are_served_or_none(void **state)
{
	WorkQueues all;

	(void) state;
	queues_start(&all);
	for (size_t i = 0; i <= APPLIERS; i++)
	{
		WorkQueue *queue = &all.queues[i];

		assert_true(work_queues_are_served(&all, 1000, 1000));
		assert_true(work_queues_are_well(&all));
		queue->wanted_since_ms = 1000;
		work_queue_retry_later(queue, 1000);
		/* What can't be counted can be applied. */
		assert_int_equal(work_queues_are_troubled(&all), i < APPLIERS);
		assert_false(work_queues_are_well(&all));
		assert_true(work_queue_is_doubtful(queue));
		assert_false(work_queues_are_served(&all, 1000, 1000));
		assert_false(work_queues_are_stuck(&all, 1999, 1000));
		assert_int_equal(work_queues_are_stuck(&all, 2000, 1000), i < APPLIERS);
		queue->state = WORK_IDLE;
		work_queue_succeed(queue);
		assert_false(work_queue_is_doubtful(queue));
	}
	/* One that never did anything may be unable to. */
	all.queues[1].has_succeeded = false;
	assert_true(work_queue_is_doubtful(&all.queues[1]));
	assert_false(work_queues_are_served(&all, 1000, 1000));
	work_queues_free(&all);
}

static void
test_records_of_one_are_records_of_all(void **state)
{
	WorkQueues all;
	WorkQueue *second;

	(void) state;
	queues_start(&all);
	second = work_queues_of_partition(&all, 4);
	assert_false(work_queues_gather(&all) || work_queues_have_records(&all));
	record_gather(second, 4, 10);
	assert_true(work_queues_gather(&all) && work_queues_have_records(&all));
	assert_true(work_queues_could_submit(&all, 0));
	assert_null(work_queues_full_find(&all));
	record_gather(second, 4, 11);
	assert_ptr_equal(work_queues_full_find(&all), second);
	/* Its worker has something else to do. */
	second->state = WORK_RUNNING;
	second->kind = APPLY_TASK_CLAIM;
	assert_false(work_queues_could_submit(&all, 0));
	assert_true(work_queues_are_running(&all));
	second->state = WORK_IDLE;
	work_queues_assert_sane(&all);
	batch_clear(second->gathering, release_nothing);
	assert_false(work_queues_gather(&all));
	work_queues_free(&all);
}

static void
test_a_failure_makes_all_look(void **state)
{
	WorkQueues all;

	(void) state;
	queues_start(&all);
	work_queues_doubt(&all);
	for (size_t i = 0; i < APPLIERS; i++)
	{
		assert_true(work_queue_is_doubtful(&all.queues[i]));
		assert_false(work_queue_is_troubled(&all.queues[i]));
		work_queue_succeed(&all.queues[i]);
		assert_false(work_queue_is_doubtful(&all.queues[i]));
	}
	work_queues_free(&all);
}

static void
test_nobody_trusts_what_it_knew(void **state)
{
	WorkQueues all;

	(void) state;
	queues_start(&all);
	work_queues_distrust_cache(&all);
	for (size_t i = 0; i < APPLIERS; i++)
		assert_true(all.queues[i].cache_is_stale);
	work_queues_free(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_partition_has_one_applier_for_ever),
		cmocka_unit_test(test_one_in_trouble_is_trouble_and_all_are_served_or_none),
		cmocka_unit_test(test_records_of_one_are_records_of_all),
		cmocka_unit_test(test_a_failure_makes_all_look),
		cmocka_unit_test(test_nobody_trusts_what_it_knew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
