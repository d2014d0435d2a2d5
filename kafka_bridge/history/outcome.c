/*
 * outcome.c
 *		What a finished task means for the loop: go on, try again, stop a partition, give up.
 *
 * This is where a Status is logged and where the policies live.
 */
#include "consumer_state.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "observe/health.h"
#include "observe/log.h"

#define WARN_INTERVAL_MS 30000

void
outcome_end(Consumer *consumer, Status status)
{
	if (!consumer->reading_ended)
		consumer->end = status;
	consumer->reading_ended = true;
}

void
outcome_task_submit(Consumer *consumer, ApplyTask *task)
{
	task->forget = consumer->forget;
	consumer->forget = false;
	consumer->worker_busy = true;
	consumer->working_at = task->kind;
	apply_worker_submit(consumer->worker, task);
}

void
outcome_retry(Consumer *consumer, const Status *status)
{
	if (status->class != STATUS_RETRY)
	{
		outcome_end(consumer, *status);
		consumer->finished = true;
		return;
	}
	metric_add(consumer->daemon->metrics, HISTORY_RETRIES, 0, 1);
	consumer->retry_at_ms = clock_monotonic_ms() + backoff_next_ms(&consumer->backoff);
	/* The same trouble, tried again every few seconds, is not worth a record each time. */
	if (!consumer->trouble || clock_monotonic_ms() - consumer->warned_at_ms >= WARN_INTERVAL_MS)
	{
		log_status(LOG_LEVEL_WARNING, "will try again", status);
		consumer->warned_at_ms = clock_monotonic_ms();
	}
	consumer->trouble = true;
	health_check_set(consumer->daemon->health, "history", false, "%s", status->text);
}

static void
positions_move(Consumer *consumer)
{
	for (size_t i = 0; i < consumer->applying->position_count; i++)
	{
		const BatchPosition *position = &consumer->applying->positions[i];
		Partition *partition = partition_table_find(&consumer->table, position->partition);

		/* It may have gone, or gone and come back, while the batch was applied. */
		if (partition == NULL || partition->fence != position->fence)
			continue;
		partition->applied_offset = position->next_offset;
		if (position->last_event_us > partition->last_event_us)
			partition->last_event_us = position->last_event_us;
	}
}

static void
latency_observe(Consumer *consumer, const ApplyReport *report)
{
	int64_t now_us = clock_wall_us();

	/* Copies would be counted twice, and late. */
	if (report->duplicates + report->conflicts > 0)
		return;
	for (size_t i = 0; i < consumer->applying->count; i++)
	{
		const BatchRecord *record = &consumer->applying->records[i];

		if (record->fault == NULL)
			metric_observe(consumer->daemon->metrics, HISTORY_COMMIT_TO_HISTORY, 0,
						   now_us > record->created_at_us ? now_us - record->created_at_us : 0);
	}
}

static void
irregularities_log(const ApplyReport *report)
{
	if (report->gaps > 0)
		log_warning("versions are missing: gaps recorded", log_integer("gaps", report->gaps));
	if (report->conflicts > 0)
		log_warning("events contradict stored ones: conflicts recorded",
					log_integer("conflicts", report->conflicts));
	if (report->filled > 0)
		log_info("missing versions came late", log_integer("filled", report->filled));
}

static void
batch_done(Consumer *consumer, const ApplyTask *task)
{
	Metrics *metrics = consumer->daemon->metrics;
	const ApplyReport *report = &task->report;

	positions_move(consumer);
	latency_observe(consumer, report);
	metric_add(metrics, HISTORY_APPLIED, 0, report->applied);
	metric_add(metrics, HISTORY_DUPLICATES, 0, report->duplicates);
	metric_add(metrics, HISTORY_FILLED, 0, report->filled);
	metric_add(metrics, HISTORY_GAPS_FOUND, 0, report->gaps);
	metric_add(metrics, HISTORY_CONFLICTS_FOUND, 0, report->conflicts);
	metric_observe(metrics, HISTORY_BATCH_TIME, 0, task->duration_us);
	if (report->gaps + report->conflicts + report->filled > 0)
	{
		consumer->count_due = true;
		irregularities_log(report);
	}
	batch_clear(consumer->applying, subscriber_record_release);
	consumer->applying_waits = false;
}

/* Records whose partition went while the worker had them: somebody else reads them
 * again. True if there were any. */
static bool
gone_records_drop(Consumer *consumer)
{
	bool dropped = false;

	for (size_t i = consumer->applying->position_count; i-- > 0;)
	{
		const BatchPosition *position = &consumer->applying->positions[i];
		const Partition *partition = partition_table_find(&consumer->table, position->partition);

		if (partition != NULL && partition->fence == position->fence)
			continue;
		batch_drop_partition(consumer->applying, position->partition, subscriber_record_release);
		dropped = true;
	}
	return dropped;
}

static void
fence_lost(Consumer *consumer)
{
	metric_add(consumer->daemon->metrics, HISTORY_FENCE_LOST, 0, 1);
	/* The group has taken them already: the rest of the batch may still be ours. */
	if (gone_records_drop(consumer))
	{
		consumer->applying_waits = true;
		return;
	}
	log_warning("positions are not as this process left them: rolled back, joining the group anew",
				log_text("cause",
						 "another owner has taken over, or PostgreSQL lost its last commits "
						 "in a crash"));
	ownership_leave(consumer);
}

/* Stops one partition before a record; the others and what precedes it go on. */
static void
partition_halt(Consumer *consumer, const ApplyReport *report)
{
	Partition *partition = partition_table_find(&consumer->table, report->halt_partition);

	log_error("partition stopped by the policy", log_text("reason", report->halt_reason),
			  log_integer("partition", report->halt_partition),
			  log_integer("offset", report->halt_offset));
	batch_cut(consumer->applying, report->halt_partition, report->halt_offset,
			  subscriber_record_release);
	batch_drop_partition(consumer->gathering, report->halt_partition, subscriber_record_release);
	if (partition != NULL)
	{
		partition->state = PARTITION_HALTED;
		subscriber_pause(consumer->subscriber, &report->halt_partition, 1);
	}
	consumer->applying_waits = true;
}

/* Under POLICY_STOP: what stands before the poison is still applied. */
static void
poison_stop(Consumer *consumer)
{
	Batch *batch = consumer->applying;

	for (size_t i = 0; i < batch->count;)
	{
		const BatchRecord *record = &batch->records[i];

		if (record->fault == NULL)
		{
			i++;
			continue;
		}
		outcome_end(consumer,
					status_fatal(EXIT_CODE_CONFIGURATION,
								 "poison at partition %d, offset %lld: %s (%s). Restart with "
								 "HISTORY_ON_POISON=dlq to send it to the dead letters",
								 (int) record->partition, (long long) record->offset,
								 record->fault->reason, record->fault->name));
		/* Cutting moves later records up: begin again. */
		batch_cut(batch, record->partition, record->offset, subscriber_record_release);
		i = 0;
	}
	batch_clear(consumer->gathering, subscriber_record_release);
}

static void
batch_finish(Consumer *consumer, const ApplyTask *task)
{
	switch (task->report.outcome)
	{
		case APPLY_DONE:
			batch_done(consumer, task);
			break;
		case APPLY_FENCED:
			fence_lost(consumer);
			break;
		case APPLY_HALT:
			partition_halt(consumer, &task->report);
			break;
		case APPLY_POISON:
			if (consumer->config->history.on_poison == POLICY_STOP)
				poison_stop(consumer);
			consumer->applying_waits = true;
			break;
	}
}

static void
count_finish(Consumer *consumer, const ApplyTask *task)
{
	metric_set(consumer->daemon->metrics, HISTORY_GAPS, 0, task->gaps);
	metric_set(consumer->daemon->metrics, HISTORY_CONFLICTS, 0, task->conflicts);
	health_number_set(consumer->daemon->health, "gaps", task->gaps);
	health_number_set(consumer->daemon->health, "conflicts", task->conflicts);
	consumer->counted_at_ms = clock_monotonic_ms();
	consumer->count_due = false;
}

static void
success_note(Consumer *consumer)
{
	backoff_reset(&consumer->backoff);
	consumer->retry_at_ms = 0;
	if (consumer->trouble)
		log_info("works again");
	consumer->trouble = false;
	health_check_set(consumer->daemon->health, "history", true, "%s", "");
}

bool
outcome_collect(Consumer *consumer, int timeout_ms)
{
	ApplyTask task;

	if (!apply_worker_finish(consumer->worker, timeout_ms, &task))
		return false;
	consumer->worker_busy = false;
	if (task.kind == APPLY_TASK_BATCH)
	{
		metric_add(consumer->daemon->metrics, HISTORY_DEAD_LETTERS, 0, (int64_t) task.dead_letters);
		if (task.dead_letters > 0)
			log_warning("dead letters sent", log_integer("count", (int64_t) task.dead_letters),
						log_text("topic", consumer->dead_letter_options.topic));
	}
	if (!status_is_ok(&task.status))
	{
		consumer->applying_waits = consumer->applying->position_count > 0;
		outcome_retry(consumer, &task.status);
	}
	else
	{
		success_note(consumer);
		if (task.kind == APPLY_TASK_BATCH)
			batch_finish(consumer, &task);
		else if (task.kind == APPLY_TASK_CLAIM)
			ownership_claim_finish(consumer, &task);
		else
			count_finish(consumer, &task);
	}
	gone_records_drop(consumer);
	if (consumer->leaving)
		batch_clear(consumer->applying, subscriber_record_release);
	if (consumer->applying->position_count == 0)
		consumer->applying_waits = false;
	return true;
}

/* Records between what is applied and the partition's end; control records do not count. */
static int64_t
partition_lag(const Consumer *consumer, const Partition *partition)
{
	int64_t end = subscriber_end_offset(consumer->subscriber, partition->number);
	int64_t done = partition->applied_offset;

	/* Everything up to the end that was reached is applied: what lies between are markers. */
	if (partition->applied_offset == partition->read_offset && partition->end_offset > done)
		done = partition->end_offset;
	return end > done ? end - done : 0;
}

static void
lag_report(Consumer *consumer)
{
	int64_t lag = 0;
	int64_t oldest_us = 0;
	int64_t now_us = clock_wall_us();

	for (size_t i = 0; i < consumer->table.count; i++)
	{
		const Partition *partition = &consumer->table.partitions[i];
		int64_t behind =
			partition->state == PARTITION_CLAIMING ? 0 : partition_lag(consumer, partition);

		lag += behind;
		if (behind > 0 && partition->last_event_us > 0 &&
			now_us - partition->last_event_us > oldest_us)
			oldest_us = now_us - partition->last_event_us;
	}
	metric_set(consumer->daemon->metrics, HISTORY_LAG_EVENTS, 0, lag);
	metric_set(consumer->daemon->metrics, HISTORY_LAG_TIME, 0, oldest_us);
	health_number_set(consumer->daemon->health, "lag_events", lag);
}

void
outcome_report(Consumer *consumer)
{
	Health *health = consumer->daemon->health;
	Metrics *metrics = consumer->daemon->metrics;
	size_t halted = partition_table_count(&consumer->table, PARTITION_HALTED);
	size_t claiming = partition_table_count(&consumer->table, PARTITION_CLAIMING);
	bool connected = subscriber_is_connected(consumer->subscriber);

	lag_report(consumer);
	metric_set(metrics, HISTORY_PARTITIONS, 0, (int64_t) consumer->table.count);
	metric_set(metrics, HISTORY_PARTITIONS_HALTED, 0, (int64_t) halted);
	health_number_set(health, "partitions", (int64_t) consumer->table.count);
	health_check_set(health, "kafka", connected, "%s", connected ? "" : "no broker is connected");
	if (halted > 0)
		health_check_set(health, "partitions", false, "%zu stopped at a gap or conflict", halted);
	else if (subscriber_topic_is_missing(consumer->subscriber))
		health_check_set(health, "partitions", false, "topic %s does not exist",
						 consumer->config->kafka.topic);
	else if (!consumer->joined)
		health_check_set(health, "partitions", false, "joining the consumer group");
	else
		health_check_set(health, "partitions", claiming == 0, "%s",
						 claiming == 0 ? "" : "waiting for positions in PostgreSQL");
}
