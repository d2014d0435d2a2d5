/*
 * consumer_state.h
 *		What the parts of the consumer share: consumer.c (loop), ownership.c (partitions that come
 *		and go) and outcome.c (what a finished task means).
 *
 * Words: gathering is the batch that records are added to; applying is the one that is with the
 * worker, or waits to be tried again. Every record in memory is in one of the two. Only the
 * consumer's thread touches any of this; while the worker is busy, `applying` and `claims` are the
 * worker's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply_worker.h"
#include "base/backoff.h"
#include "batch.h"
#include "consumer.h"
#include "history_metrics.h"
#include "partition_table.h"
#include "subscriber.h"

struct Consumer
{
	const HistoryConfig *config;
	Daemon *daemon;
	size_t loop; /* for health_loop_beat() */
	char owner[HISTORY_OWNER_BYTES];
	char *dead_letter_topic;
	ApplierOptions applier_options;
	DeadLetterOptions dead_letter_options;
	SubscriberOptions subscriber_options;
	Applier *applier;
	DeadLetter *dead_letter;
	ApplyWorker *worker;
	Subscriber *subscriber;
	BatchLimits limits;

	PartitionTable table;
	PositionClaim *claims; /* of the claim task */
	Batch batches[2];
	Batch *gathering;
	Batch *applying;

	bool worker_busy;
	ApplyTaskKind working_at; /* what the worker is busy with */
	bool applying_waits;	  /* applying failed and is to be tried again */
	bool forget;			  /* the next task must not trust what is known of stored versions */
	Backoff backoff;
	int64_t retry_at_ms; /* no task before this time */
	bool trouble;		 /* the last task failed: partitions are paused */
	bool paused;
	bool leaving;		/* gives up all partitions, to join anew */
	bool reading_ended; /* nothing is added any more: a stop, or poison under POLICY_STOP */
	Status end;			/* what consumer_run() returns when all is drained */
	bool finished;
	int64_t full_since_ms;		/* gathering is full since, 0: it is not */
	int64_t gathering_since_ms; /* the gathering batch was empty last */
	int64_t reported_at_ms;
	size_t reported_claims; /* partitions without a position when the last report was made */
	bool joined;			/* the group has given this process its partitions, be it none */
	int64_t warned_at_ms;
	int64_t counted_at_ms; /* gaps and conflicts were counted */
	bool count_due;
};

/* ownership.c */

/* For SubscriberOptions; context is the consumer. */
void ownership_partitions_came(const int32_t *partitions, size_t count, void *context);
void ownership_partitions_go(const int32_t *partitions, size_t count, bool lost, void *context);

/* Submits a claim if partitions wait for one; true if it did. */
bool ownership_claim_submit(Consumer *consumer);

/* After a claim succeeded: reads the partitions that are still ours. */
void ownership_claim_finish(Consumer *consumer, const ApplyTask *task);

/*
 * Another owner was noticed, or all must be read again: drops everything and joins the group anew.
 */
void ownership_leave(Consumer *consumer);

/* Once all partitions are given up: joins again. */
void ownership_rejoin(Consumer *consumer);

/* Pauses or resumes what is being read. */
void ownership_pause(Consumer *consumer, bool pause);

/* Tells Kafka the applied positions, for the lag tools. */
void ownership_positions_tell(Consumer *consumer, bool wait);

/* outcome.c */

/* The worker must be idle. */
void outcome_task_submit(Consumer *consumer, ApplyTask *task);

/* Waits at most timeout_ms for the task in work and draws the conclusions; true if it is done. */
bool outcome_collect(Consumer *consumer, int timeout_ms);

/* A task or call failed: try later if that may help, else end. */
void outcome_retry(Consumer *consumer, const Status *status);

/* No record is added any more; when all is drained the loop ends with this status. */
void outcome_end(Consumer *consumer, Status status);

/* Gauges, facts and checks from the present state. */
void outcome_report(Consumer *consumer);
