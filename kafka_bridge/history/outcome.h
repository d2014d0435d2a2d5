/*
 * outcome.h
 *		What follows from what happened to the consumer: one table. Pure.
 *
 * consumer.c says what happened; only verdict.c acts on what is said here.
 */
#pragma once

#include <stdbool.h>

#include "apply_worker.h"
#include "membership.h"

typedef enum Happening
{
	HAPPENED_DONE,			 /* the task did what it was asked for */
	HAPPENED_PARTITION_WENT, /* fenced: the group took a partition while its batch was with the
							  * worker */
	HAPPENED_FENCE_LOST,	 /* fenced, though the group says that the partitions are ours */
	HAPPENED_POLICY_HALT,	 /* a gap or conflict at which the policy says stop */
	HAPPENED_POISON_MARKED,	 /* PostgreSQL refused records, which go to the dead letters */
	HAPPENED_POISON_REFUSED, /* the same, under POLICY_STOP */
	HAPPENED_POISON_READ,	 /* a poisoned record was read, under POLICY_STOP: it is in no batch */
	HAPPENED_TASK_FAILED,	 /* a peer is away: the same task may succeed later */
	HAPPENED_TASK_BROKEN,	 /* no repetition helps */
	HAPPENED_TAKING_REFUSED, /* Kafka refuses to hand out partitions that were claimed */
	HAPPENED_TOPIC_WENT,	 /* the topic is missing, of which partitions are read */
	HAPPENED_READING_FAILED, /* Kafka has a problem that will mend itself */
	HAPPENED_READING_BROKEN, /* Kafka can't go on */
	HAPPENED_MEMORY_OUT,
	HAPPENED_DATABASE_AWAY, /* for so long that others should have the partitions */
	HAPPENING_COUNT
} Happening;

typedef enum Verdict
{
	VERDICT_GO_ON,
	VERDICT_TRY_NOW,		/* the batch again, without what is marked or gone */
	VERDICT_TRY_LATER,		/* after a pause that grows */
	VERDICT_DROP_BATCH,		/* nothing in it is this process's any more */
	VERDICT_HALT_PARTITION, /* this partition stands still; the others and what precedes go on */
	VERDICT_LEAVE_GROUP,	/* everything is dropped, and read again after joining anew */
	VERDICT_STOP_AT_POISON, /* what precedes the poison is applied, then the end */
	VERDICT_STOP_GATHERING, /* what the worker has is applied, then the end */
	VERDICT_STOP_READING,	/* what is in memory is applied, then the end */
	VERDICT_END,			/* nothing more can be applied */
	VERDICT_COUNT
} Verdict;

/*
 * What a finished task amounts to. partition_went: the group took one of the batch's partitions
 * while the worker had it; poison_stops: the policy for poison.
 */
Happening outcome_of_task(const ApplyTask *task, bool partition_went, bool poison_stops);

Verdict outcome_judge(MembershipState membership, Happening happening);

/* Whether the consumer can be told so in this state: asserted before it acts. */
bool outcome_verdict_is_possible(MembershipState membership, Verdict verdict);
