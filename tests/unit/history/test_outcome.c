/*
 * test_outcome.c
 *		The history consumer's rules: the verdict for everything that can happen in every state, and
 *		the moves of its machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "history/flow.h"
#include "history/membership.h"
#include "history/outcome.h"
#include "history/work_queue.h"

#define GO_ON		   VERDICT_GO_ON
#define TRY_NOW		   VERDICT_TRY_NOW
#define TRY_LATER	   VERDICT_TRY_LATER
#define DROP_BATCH	   VERDICT_DROP_BATCH
#define HALT_PARTITION VERDICT_HALT_PARTITION
#define LEAVE_GROUP	   VERDICT_LEAVE_GROUP
#define STOP_AT_POISON VERDICT_STOP_AT_POISON
#define STOP_GATHERING VERDICT_STOP_GATHERING
#define STOP_READING   VERDICT_STOP_READING
#define END			   VERDICT_END

typedef struct Rule
{
	Happening happening;
	Verdict outside;
	Verdict joining;
	Verdict member;
	Verdict leaving;
	Verdict ended;
} Rule;

static const Rule rules[] = {
	{HAPPENED_DONE, GO_ON, GO_ON, GO_ON, GO_ON, GO_ON},
	{HAPPENED_PARTITION_WENT, DROP_BATCH, DROP_BATCH, TRY_NOW, DROP_BATCH, TRY_NOW},
	{HAPPENED_FENCE_LOST, DROP_BATCH, DROP_BATCH, LEAVE_GROUP, DROP_BATCH, DROP_BATCH},
	{HAPPENED_POLICY_HALT, DROP_BATCH, DROP_BATCH, HALT_PARTITION, DROP_BATCH, HALT_PARTITION},
	{HAPPENED_POISON_MARKED, DROP_BATCH, DROP_BATCH, TRY_NOW, DROP_BATCH, TRY_NOW},
	{HAPPENED_POISON_REFUSED, DROP_BATCH, DROP_BATCH, STOP_AT_POISON, DROP_BATCH, STOP_AT_POISON},
	{HAPPENED_POISON_READ, STOP_READING, STOP_READING, STOP_READING, STOP_READING, STOP_READING},
	{HAPPENED_TASK_FAILED, TRY_LATER, TRY_LATER, TRY_LATER, TRY_LATER, TRY_LATER},
	{HAPPENED_TASK_BROKEN, END, END, END, END, END},
	{HAPPENED_TAKING_REFUSED, GO_ON, GO_ON, LEAVE_GROUP, GO_ON, GO_ON},
	{HAPPENED_TOPIC_WENT, GO_ON, GO_ON, LEAVE_GROUP, GO_ON, GO_ON},
	{HAPPENED_READING_FAILED, GO_ON, GO_ON, GO_ON, GO_ON, GO_ON},
	{HAPPENED_READING_BROKEN, STOP_GATHERING, STOP_GATHERING, STOP_GATHERING, STOP_GATHERING,
	 STOP_GATHERING},
	{HAPPENED_MEMORY_OUT, STOP_READING, STOP_READING, STOP_READING, STOP_READING, STOP_READING},
	{HAPPENED_DATABASE_AWAY, GO_ON, GO_ON, LEAVE_GROUP, GO_ON, GO_ON},
};

static void
test_verdict_of_everything_in_every_state(void **state)
{
	(void) state;
	assert_int_equal(sizeof(rules) / sizeof(rules[0]), HAPPENING_COUNT);
	for (size_t i = 0; i < HAPPENING_COUNT; i++)
	{
		Happening happening = rules[i].happening;

		assert_int_equal(happening, i);
		assert_int_equal(outcome_judge(MEMBERSHIP_OUTSIDE, happening), rules[i].outside);
		assert_int_equal(outcome_judge(MEMBERSHIP_JOINING, happening), rules[i].joining);
		assert_int_equal(outcome_judge(MEMBERSHIP_MEMBER, happening), rules[i].member);
		assert_int_equal(outcome_judge(MEMBERSHIP_LEAVING, happening), rules[i].leaving);
		assert_int_equal(outcome_judge(MEMBERSHIP_ENDED, happening), rules[i].ended);
	}
}

/* A verdict is possible in a state exactly when something that happens leads to it. */
static void
test_possible_verdicts_are_those_that_are_given(void **state)
{
	(void) state;
	for (MembershipState membership = 0; membership < MEMBERSHIP_STATE_COUNT; membership++)
		for (Verdict verdict = 0; verdict < VERDICT_COUNT; verdict++)
		{
			bool given = false;

			for (Happening happening = 0; happening < HAPPENING_COUNT; happening++)
				given |= outcome_judge(membership, happening) == verdict;
			assert_int_equal(outcome_verdict_is_possible(membership, verdict), given);
		}
}

/* What a verdict does to the membership must be a legal move from where it is given. */
static void
test_verdicts_move_legally(void **state)
{
	(void) state;
	for (MembershipState membership = 0; membership < MEMBERSHIP_STATE_COUNT; membership++)
	{
		if (outcome_verdict_is_possible(membership, VERDICT_LEAVE_GROUP))
			assert_true(membership_move_is_legal(membership, MEMBERSHIP_LEAVING));
		if (membership != MEMBERSHIP_ENDED)
			assert_true(membership_move_is_legal(membership, MEMBERSHIP_ENDED));
	}
}

static void
test_what_a_task_amounts_to(void **state)
{
	ApplyTask batch = {.kind = APPLY_TASK_BATCH, .status = status_ok()};
	ApplyTask claim = {.kind = APPLY_TASK_CLAIM, .status = status_ok()};
	ApplyTask count = {.kind = APPLY_TASK_COUNT, .status = status_ok()};

	(void) state;
	batch.report.outcome = APPLY_DONE;
	assert_int_equal(outcome_of_task(&batch, true, true), HAPPENED_DONE);
	batch.report.outcome = APPLY_FENCED;
	assert_int_equal(outcome_of_task(&batch, true, false), HAPPENED_PARTITION_WENT);
	assert_int_equal(outcome_of_task(&batch, false, false), HAPPENED_FENCE_LOST);
	/* What the report of another kind of task holds is of no account. */
	claim.report.outcome = APPLY_FENCED;
	claim.positions_lost = true;
	assert_int_equal(outcome_of_task(&claim, false, false), HAPPENED_DONE);
	count.positions_lost = true;
	assert_int_equal(outcome_of_task(&count, false, false), HAPPENED_FENCE_LOST);
	batch.report.outcome = APPLY_HALT;
	assert_int_equal(outcome_of_task(&batch, true, true), HAPPENED_POLICY_HALT);
	batch.report.outcome = APPLY_POISON;
	assert_int_equal(outcome_of_task(&batch, false, false), HAPPENED_POISON_MARKED);
	assert_int_equal(outcome_of_task(&batch, false, true), HAPPENED_POISON_REFUSED);
	/* A failure wins over a report that was never made. */
	batch.status = status_retry("gone");
	assert_int_equal(outcome_of_task(&batch, true, true), HAPPENED_TASK_FAILED);
	batch.status = status_fatal(EXIT_CODE_CONFIGURATION, "refused");
	assert_int_equal(outcome_of_task(&batch, true, true), HAPPENED_TASK_BROKEN);
	claim.status = status_bug("out of memory");
	assert_int_equal(outcome_of_task(&claim, false, false), HAPPENED_TASK_BROKEN);
}

/* Rows: from; columns: to; x: legal. */
static void
test_membership_moves(void **state)
{
	static const char *const legal[MEMBERSHIP_STATE_COUNT] = {
		/* OUTSIDE JOINING MEMBER LEAVING ENDED */
		".x..x", "..x.x", "...xx", "x...x", ".....",
	};

	(void) state;
	for (MembershipState from = 0; from < MEMBERSHIP_STATE_COUNT; from++)
	{
		assert_true(strlen(membership_state_name(from)) > 0);
		for (MembershipState to = 0; to < MEMBERSHIP_STATE_COUNT; to++)
			assert_int_equal(membership_move_is_legal(from, to), legal[from][to] == 'x');
	}
}

static void
test_work_moves(void **state)
{
	static const char *const legal[WORK_STATE_COUNT] = {
		/* IDLE RUNNING RETRY_AT */
		".xx",
		"x..",
		".xx",
	};

	(void) state;
	for (WorkState from = 0; from < WORK_STATE_COUNT; from++)
		for (WorkState to = 0; to < WORK_STATE_COUNT; to++)
			assert_int_equal(work_move_is_legal(from, to), legal[from][to] == 'x');
}

static void
test_retry_waits_and_success_ends_the_trouble(void **state)
{
	WorkQueue queue;

	(void) state;
	work_queue_init(&queue, NULL, &(BatchLimits){.records = 1, .bytes = 1});
	assert_true(work_queue_is_ready(&queue, 0));
	work_queue_retry_later(&queue, 1000);
	assert_int_equal(queue.state, WORK_RETRY_AT);
	assert_true(work_queue_is_troubled(&queue));
	assert_false(work_queue_is_ready(&queue, 1000));
	assert_true(work_queue_is_ready(&queue, queue.retry_at_ms));
	work_queue_assert_sane(&queue);
	/* The same again: what stands before a task may fail several times. */
	work_queue_retry_later(&queue, 2000);
	assert_true(queue.retry_at_ms > 2000);
	/* The worker took a task and did it. */
	queue.state = WORK_IDLE;
	work_queue_succeed(&queue);
	assert_false(work_queue_is_troubled(&queue));
	work_queue_free(&queue);
}

/* Others should have the partitions of who can't apply; and a hung task is no success. */
static void
test_stuck_after_its_patience_and_served_again(void **state)
{
	WorkQueue queue;

	(void) state;
	work_queue_init(&queue, NULL, &(BatchLimits){.records = 1, .bytes = 1});
	assert_false(work_queue_is_stuck(&queue, 1000000, 1000));
	assert_false(work_queue_is_served(&queue, 0, 1000));
	/* A task that never comes back. */
	queue.state = WORK_RUNNING;
	queue.wanted_since_ms = 5000;
	assert_false(work_queue_is_stuck(&queue, 5999, 1000));
	assert_true(work_queue_is_stuck(&queue, 6000, 1000));
	assert_false(work_queue_is_served(&queue, 6000, 1000));
	/* It fails: what is tried again is still the same want. */
	queue.state = WORK_IDLE;
	work_queue_retry_later(&queue, 6000);
	assert_true(work_queue_is_stuck(&queue, 6100, 1000));
	queue.state = WORK_IDLE;
	work_queue_succeed(&queue);
	assert_false(work_queue_is_stuck(&queue, 9000, 1000));
	assert_true(work_queue_is_served(&queue, 9000, 1000));
	work_queue_free(&queue);
}

static void
test_flow(void **state)
{
	Flow flow = {.state = FLOW_READING};

	(void) state;
	assert_true(flow_move_is_legal(FLOW_READING, FLOW_PAUSED));
	assert_true(flow_move_is_legal(FLOW_PAUSED, FLOW_READING));
	assert_false(flow_move_is_legal(FLOW_PAUSED, FLOW_PAUSED));
	assert_int_equal(flow_decide(&flow, false, false, 1), FLOW_READING);
	/* Full for a moment is no reason; full for long is. */
	assert_int_equal(flow_decide(&flow, true, false, 1000), FLOW_READING);
	assert_int_equal(flow_decide(&flow, true, false, 999 + FLOW_FULL_PATIENCE_MS), FLOW_READING);
	assert_int_equal(flow_decide(&flow, true, false, 1000 + FLOW_FULL_PATIENCE_MS), FLOW_PAUSED);
	flow_move(&flow, FLOW_PAUSED);
	/* Paused for trouble that is over, and still full: not before there is room. */
	assert_int_equal(flow_decide(&flow, false, false, 5000), FLOW_READING);
	assert_int_equal(flow_decide(&flow, true, false, 6000), FLOW_PAUSED);
	assert_int_equal(flow_decide(&flow, false, true, 7000), FLOW_PAUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict_of_everything_in_every_state),
		cmocka_unit_test(test_possible_verdicts_are_those_that_are_given),
		cmocka_unit_test(test_verdicts_move_legally),
		cmocka_unit_test(test_what_a_task_amounts_to),
		cmocka_unit_test(test_membership_moves),
		cmocka_unit_test(test_work_moves),
		cmocka_unit_test(test_retry_waits_and_success_ends_the_trouble),
		cmocka_unit_test(test_stuck_after_its_patience_and_served_again),
		cmocka_unit_test(test_flow),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
