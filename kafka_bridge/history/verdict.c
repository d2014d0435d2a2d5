/*
 * verdict.c
 *		The one place where a verdict becomes a deed.
 */
#include "verdict.h"

#include <assert.h>

#include "base/clock.h"
#include "intake.h"
#include "observe/log.h"

/* No record is added any more; the first reason is the one that consumer_run() returns. */
static void
reading_end(Consumer *consumer, const Status *reason)
{
	if (status_is_ok(&consumer->end))
		consumer->end = *reason;
	membership_end(&consumer->membership);
}

static void
trouble_note(Consumer *consumer, WorkQueue *work, const Status *status)
{
	int64_t now_ms = clock_monotonic_ms();

	consumer_report_trouble(&consumer->report, status, work_queues_are_well(&consumer->work),
							now_ms);
	work_queue_retry_later(work, now_ms);
	work_queues_doubt(&consumer->work);
	consumer->count_due = true;
}

/* Another owner was noticed, or all must be read again: drops everything and joins anew. */
static void
group_leave(Consumer *consumer)
{
	Status status = membership_leave(&consumer->membership);

	work_queues_distrust_cache(&consumer->work);
	work_queues_drop_all(&consumer->work);
	if (!status_is_ok(&status))
		reading_end(consumer, &status);
}

/* Stops one partition before a record; the others and what precedes it go on. */
static void
partition_halt(Consumer *consumer, WorkQueue *work, const ApplyReport *report)
{
	Status status;

	log_error("partition stopped by the policy", log_text("reason", report->halt_reason),
			  log_integer("partition", report->halt_partition),
			  log_integer("offset", report->halt_offset));
	batch_cut(work_queue_applying(work), report->halt_partition, report->halt_offset,
			  subscriber_record_release);
	batch_drop_partition(work->gathering, report->halt_partition, subscriber_record_release);
	status = membership_partition_halt(&consumer->membership, report->halt_partition);
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "the stopped partition is still read", &status);
}

/* Under POLICY_STOP: what stands before the poison is still applied. */
static void
poison_stop(Consumer *consumer, WorkQueue *work)
{
	Batch *batch = work_queue_applying(work);
	const BatchRecord *poison;

	/* Each cut takes its poison away. */
	while ((poison = batch_poison_find(batch)) != NULL)
	{
		Status reason = intake_poison_status(poison->partition, poison->offset,
											 poison->fault->reason, poison->fault->name);

		reading_end(consumer, &reason);
		batch_cut(batch, poison->partition, poison->offset, subscriber_record_release);
	}
	batch_clear(work->gathering, subscriber_record_release);
}

void
verdict_follow(Consumer *consumer, Verdict verdict, const Status *status, WorkQueue *work,
			   const ApplyTask *task)
{
	assert(outcome_verdict_is_possible(consumer->membership.state, verdict));
	switch (verdict)
	{
		case VERDICT_GO_ON:
		case VERDICT_TRY_NOW: /* what is left of the batch waits for the worker */
			break;
		case VERDICT_TRY_LATER:
			trouble_note(consumer, work, status);
			break;
		case VERDICT_DROP_BATCH:
			batch_clear(work_queue_applying(work), subscriber_record_release);
			break;
		case VERDICT_HALT_PARTITION:
			partition_halt(consumer, work, &task->report);
			break;
		case VERDICT_LEAVE_GROUP:
			log_warning("leaving the group, to join it anew");
			group_leave(consumer);
			break;
		case VERDICT_STOP_AT_POISON:
			poison_stop(consumer, work);
			break;
		case VERDICT_STOP_GATHERING:
			reading_end(consumer, status);
			work_queues_drop_gathered(&consumer->work);
			break;
		case VERDICT_STOP_READING:
			reading_end(consumer, status);
			break;
		case VERDICT_END:
			reading_end(consumer, status);
			consumer->finished = true;
			break;
		case VERDICT_COUNT:
			break;
	}
}

void
verdict_obey(Consumer *consumer, Happening happening, const Status *status)
{
	verdict_follow(consumer, outcome_judge(consumer->membership.state, happening), status, NULL,
				   NULL);
}

void
verdict_obey_failure(Consumer *consumer, WorkQueue *work, const Status *status)
{
	Happening happening =
		status->class == STATUS_RETRY ? HAPPENED_TASK_FAILED : HAPPENED_TASK_BROKEN;

	verdict_follow(consumer, outcome_judge(consumer->membership.state, happening), status, work,
				   NULL);
}
