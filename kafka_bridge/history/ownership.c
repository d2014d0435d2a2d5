/*
 * ownership.c
 *		Partitions that the group gives and takes.
 *
 * A partition that comes is claimed in PostgreSQL first: the claim raises its fence, so that no
 * batch of a former owner can commit any more, and tells where to go on. Only then is it read.
 * Meanwhile polling goes on, also while PostgreSQL is down.
 *
 * A partition that goes is waited for, but not for long: what is not committed then is dropped, and
 * what commits later anyway has passed the fence and so was ours.
 */
#include "consumer_state.h"

#include <stdlib.h>

#include "observe/health.h"
#include "observe/log.h"

#define REVOKE_WAIT_MS			5000
#define START_OFFSET_TIMEOUT_MS 5000

typedef enum RebalanceKind
{
	REBALANCE_CAME,
	REBALANCE_WENT,
	REBALANCE_LOST
} RebalanceKind;

void
ownership_partitions_came(const int32_t *partitions, size_t count, void *context)
{
	Consumer *consumer = context;

	metric_add(consumer->daemon->metrics, HISTORY_REBALANCES, REBALANCE_CAME, 1);
	log_info("partitions came", log_integer("count", (int64_t) count),
			 log_integer("first", count > 0 ? partitions[0] : -1));
	consumer->joined = true;
	/* What was on its way when the group was left, and an empty assignment, must be answered too:
	 * the group would wait for ever. */
	if (count == 0 || consumer->leaving)
	{
		subscriber_decline(consumer->subscriber);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (partition_table_add(&consumer->table, partitions[i]) == NULL)
			outcome_end(consumer, status_bug("out of memory"));
}

void
ownership_partitions_go(const int32_t *partitions, size_t count, bool lost, void *context)
{
	Consumer *consumer = context;

	metric_add(consumer->daemon->metrics, HISTORY_REBALANCES,
			   lost ? REBALANCE_LOST : REBALANCE_WENT, 1);
	log_info(lost ? "partitions lost" : "partitions go", log_integer("count", (int64_t) count),
			 log_integer("first", count > 0 ? partitions[0] : -1));
	if (consumer->worker_busy && consumer->working_at == APPLY_TASK_BATCH && !lost)
		outcome_collect(consumer, REVOKE_WAIT_MS);
	if (!lost)
		ownership_positions_tell(consumer, false);
	/* A pause would outlive the assignment. */
	subscriber_resume(consumer->subscriber, partitions, count);
	for (size_t i = 0; i < count; i++)
	{
		batch_drop_partition(consumer->gathering, partitions[i], subscriber_record_release);
		/* A batch that is still with the worker is settled when it comes back. */
		if (!consumer->worker_busy)
			batch_drop_partition(consumer->applying, partitions[i], subscriber_record_release);
		partition_table_remove(&consumer->table, partitions[i]);
	}
	consumer->forget = true;
}

bool
ownership_claim_submit(Consumer *consumer)
{
	size_t waiting = partition_table_count(&consumer->table, PARTITION_CLAIMING);
	ApplyTask task = {.kind = APPLY_TASK_CLAIM};

	if (waiting == 0 || consumer->leaving)
		return false;
	free(consumer->claims);
	consumer->claims = calloc(waiting, sizeof(*consumer->claims));
	if (consumer->claims == NULL)
	{
		outcome_end(consumer, status_bug("out of memory"));
		return false;
	}
	for (size_t i = 0; i < consumer->table.count; i++)
	{
		const Partition *partition = &consumer->table.partitions[i];
		PositionClaim *claim = &consumer->claims[task.claim_count];

		if (partition->state != PARTITION_CLAIMING)
			continue;

		Status status = subscriber_start_offset(consumer->subscriber, partition->number,
												START_OFFSET_TIMEOUT_MS, &claim->start_offset);

		if (!status_is_ok(&status))
		{
			outcome_retry(consumer, &status);
			return false;
		}
		claim->partition = partition->number;
		task.claim_count++;
	}
	task.claims = consumer->claims;
	outcome_task_submit(consumer, &task);
	return true;
}

/* Not if the partition went, or went and came again, since the claim was submitted. */
static void
claim_take(Consumer *consumer, const PositionClaim *claim, SubscriberPosition *positions,
		   size_t *count)
{
	Partition *partition = partition_table_find(&consumer->table, claim->partition);

	if (partition == NULL || partition->state != PARTITION_CLAIMING)
		return;
	partition->state = PARTITION_READING;
	partition->fence = claim->fence;
	partition->read_offset = claim->next_offset;
	partition->applied_offset = claim->next_offset;
	positions[(*count)++] = (SubscriberPosition){claim->partition, claim->next_offset};
	log_info("partition taken over", log_integer("partition", claim->partition),
			 log_integer("next_offset", claim->next_offset), log_integer("fence", claim->fence),
			 log_text("former_owner", claim->former_owner));
	if (claim->next_offset == claim->start_offset && claim->start_offset > 0 && claim->fence == 1)
		log_warning("the topic no longer has the partition's first records: the history begins "
					"without them",
					log_integer("partition", claim->partition),
					log_integer("earliest_offset", claim->start_offset));
}

void
ownership_claim_finish(Consumer *consumer, const ApplyTask *task)
{
	SubscriberPosition *positions = calloc(task->claim_count, sizeof(*positions));
	size_t count = 0;

	if (positions == NULL)
	{
		outcome_end(consumer, status_bug("out of memory"));
		return;
	}
	for (size_t i = 0; i < task->claim_count; i++)
		claim_take(consumer, &task->claims[i], positions, &count);

	Status status = subscriber_assign(consumer->subscriber, positions, count);

	free(positions);
	consumer->count_due = true;
	/* The group has changed again meanwhile: joining anew sorts it out. */
	if (!status_is_ok(&status))
	{
		log_status(LOG_LEVEL_WARNING, "partitions cannot be taken", &status);
		ownership_leave(consumer);
		return;
	}
	if (consumer->paused)
	{
		consumer->paused = false;
		ownership_pause(consumer, true);
	}
}

/* Partitions that were given but never read: the group is told so, or it would wait for ever. */
static void
claiming_partitions_decline(Consumer *consumer)
{
	for (size_t i = consumer->table.count; i-- > 0;)
		if (consumer->table.partitions[i].state == PARTITION_CLAIMING)
			partition_table_remove(&consumer->table, consumer->table.partitions[i].number);
	subscriber_decline(consumer->subscriber);
}

void
ownership_leave(Consumer *consumer)
{
	Status status;

	claiming_partitions_decline(consumer);
	status = subscriber_leave(consumer->subscriber);
	consumer->leaving = true;
	consumer->forget = true;
	batch_clear(consumer->gathering, subscriber_record_release);
	if (!consumer->worker_busy)
	{
		batch_clear(consumer->applying, subscriber_record_release);
		consumer->applying_waits = false;
	}
	if (!status_is_ok(&status))
		outcome_end(consumer, status);
}

void
ownership_rejoin(Consumer *consumer)
{
	if (!consumer->leaving || consumer->table.count > 0 || consumer->reading_ended)
		return;

	Status status = subscriber_join(consumer->subscriber);

	consumer->leaving = false;
	consumer->paused = false;
	if (!status_is_ok(&status))
		outcome_end(consumer, status);
}

void
ownership_pause(Consumer *consumer, bool pause)
{
	size_t count = 0;
	int32_t *partitions;

	if (consumer->paused == pause)
		return;
	partitions = calloc(consumer->table.count + 1, sizeof(*partitions));
	if (partitions == NULL)
	{
		outcome_end(consumer, status_bug("out of memory"));
		return;
	}
	for (size_t i = 0; i < consumer->table.count; i++)
		if (consumer->table.partitions[i].state == PARTITION_READING)
			partitions[count++] = consumer->table.partitions[i].number;
	if (pause)
		subscriber_pause(consumer->subscriber, partitions, count);
	else
		subscriber_resume(consumer->subscriber, partitions, count);
	free(partitions);
	consumer->paused = pause;
	metric_set(consumer->daemon->metrics, HISTORY_PARTITIONS_PAUSED, 0,
			   pause ? (int64_t) count : 0);
	log_info(pause ? "partitions paused" : "partitions resumed",
			 log_integer("count", (int64_t) count));
}

void
ownership_positions_tell(Consumer *consumer, bool wait)
{
	SubscriberPosition *positions = calloc(consumer->table.count + 1, sizeof(*positions));
	size_t count = 0;

	for (size_t i = 0; positions != NULL && i < consumer->table.count; i++)
	{
		Partition *partition = &consumer->table.partitions[i];

		if (partition->state == PARTITION_CLAIMING ||
			partition->told_offset == partition->applied_offset)
			continue;
		partition->told_offset = partition->applied_offset;
		positions[count++] = (SubscriberPosition){partition->number, partition->applied_offset};
	}
	if (positions != NULL)
		subscriber_commit(consumer->subscriber, positions, count, wait);
	free(positions);
}
