/*
 * consumer.c
 *		The loop. Reading never waits for writing: while the worker applies one batch, the next one
 *		gathers. A batch goes to the worker as soon as the worker is free and Kafka has nothing more
 *		at this moment, so that a single event is not kept waiting and a flood is not chopped.
 *
 * Three machines hold the state: membership (the group and its partitions), work (the batches and
 * the worker) and flow (read or paused). What something that happened means, outcome.c says; only
 * this file acts on it, and only in this thread.
 */
#include "consumer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "consumer_parts.h"
#include "consumer_report.h"
#include "flow.h"
#include "history_metrics.h"
#include "intake.h"
#include "observe/log.h"
#include "membership.h"
#include "outcome.h"
#include "base/signals.h"
#include "topic_await.h"
#include "work_queue.h"

#define LOOP_LIMIT_MS	  60000
#define IDLE_POLL_MS	  100
#define BUSY_POLL_MS	  2
#define GATHER_MS_MAX	  20 /* a batch is not kept longer than this while the worker is free */
#define COUNT_INTERVAL_MS 2000
#define LOOK_INTERVAL_MS  500
#define REVOKE_WAIT_MS	  5000
#define STOP_WAIT_MS	  10000

/* All of it belongs to the consumer's thread; what the worker borrows, work_queue.h says. */
struct Consumer
{
	const HistoryConfig *config;
	Daemon *daemon;
	size_t loop; /* for health_loop_beat() */
	ConsumerParts parts;
	Membership membership;
	WorkQueue work;
	Flow flow;
	ConsumerReport report;
	Status end;			   /* what consumer_run() returns: the first reason to end */
	bool finished;		   /* nothing more can be applied */
	int64_t counted_at_ms; /* of the latest count task that succeeded */
	int64_t looked_at_ms;  /* the partitions' ends were looked at */
	bool count_due;
};

Status
consumer_new(const HistoryConfig *config, Daemon *daemon, Consumer **consumer)
{
	BatchLimits limits = {.records = (size_t) config->history.batch_events,
						  .bytes = (size_t) config->history.batch_bytes};
	Consumer *created = calloc(1, sizeof(*created));

	*consumer = NULL;
	if (created == NULL)
		return status_bug("out of memory");
	created->config = config;
	created->daemon = daemon;
	created->loop = health_loop_add(daemon->health, "consumer", LOOP_LIMIT_MS);
	created->end = status_ok();
	created->count_due = true;
	health_check_set(daemon->health, "history", false, "not connected to PostgreSQL yet");

	Status status = consumer_parts_make(&created->parts, config);

	if (!status_is_ok(&status))
	{
		consumer_parts_free(&created->parts);
		free(created);
		return status;
	}
	created->membership.subscriber = created->parts.subscriber;
	created->membership.source.told = config->history.source;
	work_queue_init(&created->work, created->parts.worker, &limits);
	created->report = (ConsumerReport){
		.health = daemon->health,
		.metrics = daemon->metrics,
		.topic = config->kafka.topic,
		.dead_letter_topic = created->parts.dead_letter_topic,
	};
	*consumer = created;
	return status;
}

void
consumer_free(Consumer *consumer)
{
	if (consumer == NULL)
		return;
	consumer_parts_free(&consumer->parts);
	work_queue_free(&consumer->work);
	membership_free(&consumer->membership);
	free(consumer);
}

/* What must hold whenever the loop begins a turn. */
static void
consumer_assert_sane(const Consumer *consumer)
{
	const Membership *membership = &consumer->membership;

	assert(membership->state < MEMBERSHIP_STATE_COUNT);
	assert(consumer->flow.state < FLOW_STATE_COUNT);
	work_queue_assert_sane(&consumer->work);
	/* Partitions are a member's, or go back. */
	assert((membership->state != MEMBERSHIP_OUTSIDE && membership->state != MEMBERSHIP_JOINING) ||
		   membership->table.count == 0);
	/* Only what a member has read is gathered. */
	assert(membership->state == MEMBERSHIP_MEMBER || membership->state == MEMBERSHIP_ENDED ||
		   consumer->work.gathering->position_count == 0);
	/* There is a reason to end exactly when reading has ended for one. */
	assert(status_is_ok(&consumer->end) || membership->state == MEMBERSHIP_ENDED);
	assert(!consumer->finished || membership->state == MEMBERSHIP_ENDED);
}

/* No record is added any more; the first reason is the one that consumer_run() returns. */
static void
reading_end(Consumer *consumer, const Status *reason)
{
	if (status_is_ok(&consumer->end))
		consumer->end = *reason;
	membership_end(&consumer->membership);
}

static void
trouble_note(Consumer *consumer, const Status *status)
{
	int64_t now_ms = clock_monotonic_ms();

	consumer_report_trouble(&consumer->report, status, !work_queue_is_troubled(&consumer->work),
							now_ms);
	work_queue_retry_later(&consumer->work, now_ms);
	consumer->count_due = true;
}

/* Another owner was noticed, or all must be read again: drops everything and joins anew. */
static void
group_leave(Consumer *consumer)
{
	Status status = membership_leave(&consumer->membership);

	consumer->work.cache_is_stale = true;
	work_queue_drop_all(&consumer->work);
	if (!status_is_ok(&status))
		reading_end(consumer, &status);
}

/* Stops one partition before a record; the others and what precedes it go on. */
static void
partition_halt(Consumer *consumer, const ApplyReport *report)
{
	Status status;

	log_error("partition stopped by the policy", log_text("reason", report->halt_reason),
			  log_integer("partition", report->halt_partition),
			  log_integer("offset", report->halt_offset));
	batch_cut(work_queue_applying(&consumer->work), report->halt_partition, report->halt_offset,
			  subscriber_record_release);
	batch_drop_partition(consumer->work.gathering, report->halt_partition,
						 subscriber_record_release);
	status = membership_partition_halt(&consumer->membership, report->halt_partition);
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "the stopped partition is still read", &status);
}

/* Under POLICY_STOP: what stands before the poison is still applied. */
static void
poison_stop(Consumer *consumer)
{
	Batch *batch = work_queue_applying(&consumer->work);
	const BatchRecord *poison;

	/* Each cut takes its poison away. */
	while ((poison = batch_poison_find(batch)) != NULL)
	{
		Status reason = intake_poison_status(poison->partition, poison->offset,
											 poison->fault->reason, poison->fault->name);

		reading_end(consumer, &reason);
		batch_cut(batch, poison->partition, poison->offset, subscriber_record_release);
	}
	batch_clear(consumer->work.gathering, subscriber_record_release);
}

/*
 * The one place where a verdict becomes a deed. The status says why, of whatever is not done; task
 * is the finished one that this is about, or NULL.
 */
static void
verdict_follow(Consumer *consumer, Verdict verdict, const Status *status, const ApplyTask *task)
{
	assert(outcome_verdict_is_possible(consumer->membership.state, verdict));
	switch (verdict)
	{
		case VERDICT_GO_ON:
		case VERDICT_TRY_NOW: /* what is left of the batch waits for the worker */
			break;
		case VERDICT_TRY_LATER:
			trouble_note(consumer, status);
			break;
		case VERDICT_DROP_BATCH:
			batch_clear(work_queue_applying(&consumer->work), subscriber_record_release);
			break;
		case VERDICT_HALT_PARTITION:
			partition_halt(consumer, &task->report);
			break;
		case VERDICT_LEAVE_GROUP:
			log_warning("leaving the group, to join it anew");
			group_leave(consumer);
			break;
		case VERDICT_STOP_AT_POISON:
			poison_stop(consumer);
			break;
		case VERDICT_STOP_GATHERING:
			reading_end(consumer, status);
			batch_clear(consumer->work.gathering, subscriber_record_release);
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

static void
consumer_judge(Consumer *consumer, Happening happening, const Status *status)
{
	verdict_follow(consumer, outcome_judge(consumer->membership.state, happening), status, NULL);
}

/* Something of our own failed before the worker was asked. */
static void
failure_judge(Consumer *consumer, const Status *status)
{
	Happening happening =
		status->class == STATUS_RETRY ? HAPPENED_TASK_FAILED : HAPPENED_TASK_BROKEN;

	consumer_judge(consumer, happening, status);
}

static void
claims_conclude(Consumer *consumer)
{
	Status status = membership_claims_check(&consumer->membership);
	bool is_anew = status.class > STATUS_RETRY;

	consumer->count_due = true;
	topic_watch_hurry(consumer->parts.watch);
	if (status_is_ok(&status))
		status = membership_claims_take(&consumer->membership);
	if (!status_is_ok(&status))
	{
		log_status(LOG_LEVEL_WARNING, "partitions cannot be taken", &status);
		consumer_judge(consumer, is_anew ? HAPPENED_READING_BROKEN : HAPPENED_TAKING_REFUSED,
					   &status);
	}
	else if (consumer->flow.state == FLOW_PAUSED)
	{
		/* The new ones too. */
		flow_move(&consumer->flow, FLOW_READING);
		membership_flow_follow(&consumer->membership, &consumer->flow, FLOW_PAUSED);
	}
}

/* The task did what it was asked for. */
static void
task_conclude(Consumer *consumer, const ApplyTask *task)
{
	switch (task->kind)
	{
		case APPLY_TASK_BATCH:
			membership_positions_move(&consumer->membership, task->batch);
			consumer_report_applied(&consumer->report, task);
			if (task->report.gaps + task->report.conflicts + task->report.filled > 0)
				consumer->count_due = true;
			batch_clear(work_queue_applying(&consumer->work), subscriber_record_release);
			break;
		case APPLY_TASK_CLAIM:
			claims_conclude(consumer);
			break;
		case APPLY_TASK_COUNT:
			consumer->counted_at_ms = clock_monotonic_ms();
			consumer_report_counted(&consumer->report, task, consumer->counted_at_ms);
			server_clock_tell(&consumer->membership.clock, task->counts.server_us,
							  clock_monotonic_us());
			consumer->count_due = task->counts.is_partial;
			break;
	}
}

/* Waits at most timeout_ms for the task in work and acts on what came of it. */
static void
task_collect(Consumer *consumer, int timeout_ms)
{
	ApplyTask task;

	if (!work_queue_collect(&consumer->work, timeout_ms, &task))
		return;
	consumer_report_task(&consumer->report, &task);
	if (status_is_ok(&task.status))
	{
		consumer_report_success(&consumer->report, work_queue_is_troubled(&consumer->work));
		work_queue_succeed(&consumer->work);
	}

	bool partition_went =
		!membership_owns_batch(&consumer->membership, work_queue_applying(&consumer->work));
	Happening happening =
		outcome_of_task(&task, partition_went, consumer->config->history.on_poison == POLICY_STOP);
	Verdict verdict = outcome_judge(consumer->membership.state, happening);

	if (happening == HAPPENED_FENCE_LOST)
		log_warning("positions are not as this process left them: rolled back",
					log_text("cause", "another owner has taken over, or PostgreSQL lost its last "
									  "commits in a crash"));
	if (verdict == VERDICT_GO_ON)
		task_conclude(consumer, &task);
	else
		verdict_follow(consumer, verdict, &task.status, &task);
	membership_batch_prune(&consumer->membership, work_queue_applying(&consumer->work));
}

/* The group gives partitions: they are claimed before they are read. */
static void
partitions_take(Consumer *consumer, const SubscriberNews *news)
{
	Status status;

	consumer_report_rebalance(&consumer->report, REBALANCE_CAME, news->partitions,
							  news->partition_count);
	status =
		membership_partitions_came(&consumer->membership, news->partitions, news->partition_count);
	if (!status_is_ok(&status))
		consumer_judge(consumer, HAPPENED_MEMORY_OUT, &status);
}

/*
 * The group takes partitions and waits for us. What is with the worker is waited for, but not for
 * long: what is not committed then is dropped, and what commits later anyway has passed the fence
 * and so was ours.
 */
static void
partitions_let_go(Consumer *consumer, const SubscriberNews *news)
{
	consumer_report_rebalance(&consumer->report, news->lost ? REBALANCE_LOST : REBALANCE_WENT,
							  news->partitions, news->partition_count);
	if (work_queue_has_batch(&consumer->work) && !news->lost)
		task_collect(consumer, REVOKE_WAIT_MS);
	if (!news->lost)
		membership_positions_tell(&consumer->membership, false);
	for (size_t i = 0; i < news->partition_count; i++)
		work_queue_drop_partition(&consumer->work, news->partitions[i]);
	membership_partitions_went(&consumer->membership, news->partitions, news->partition_count);
	/* Their next owner writes what this process then does not know of. */
	consumer->work.cache_is_stale = true;
}

/* A record, or the end of a partition. */
static void
place_take(Consumer *consumer, const SubscriberNews *news)
{
	bool poison_stops = consumer->config->history.on_poison == POLICY_STOP;
	Status reason;
	Happening happening =
		news->kind == SUBSCRIBER_END
			? intake_end(&consumer->membership, news->partition, news->offset, &reason)
			: intake_record(&consumer->membership, &consumer->work, news->record, poison_stops,
							&reason);

	if (happening != HAPPENED_DONE)
		consumer_judge(consumer, happening, &reason);
}

static void
error_take(Consumer *consumer, const Status *error)
{
	bool topic_went = subscriber_topic_is_missing(consumer->parts.subscriber) &&
					  consumer->membership.table.count > 0;

	if (error->class == STATUS_RETRY)
	{
		log_status(LOG_LEVEL_WARNING, "Kafka has a problem", error);
		/* What comes back under its name must be looked at before it is read. */
		consumer_judge(consumer, topic_went ? HAPPENED_TOPIC_WENT : HAPPENED_READING_FAILED, error);
	}
	else
		consumer_judge(consumer, HAPPENED_READING_BROKEN, error);
}

/* True if there was anything. */
static bool
news_take(Consumer *consumer, int timeout_ms)
{
	SubscriberNews news;

	subscriber_poll(consumer->parts.subscriber, timeout_ms, &news);
	switch (news.kind)
	{
		case SUBSCRIBER_NOTHING:
			return false;
		case SUBSCRIBER_RECORD:
		case SUBSCRIBER_END:
			place_take(consumer, &news);
			break;
		case SUBSCRIBER_CAME:
			partitions_take(consumer, &news);
			break;
		case SUBSCRIBER_GOES:
			partitions_let_go(consumer, &news);
			break;
		case SUBSCRIBER_ERROR:
			error_take(consumer, &news.error);
			break;
	}
	return true;
}

/* True: the worker has a claim. What can't be asked of Kafka now does not keep batches waiting. */
static bool
claim_submit(Consumer *consumer, int64_t now_ms)
{
	Membership *membership = &consumer->membership;
	ApplyTask task = {.kind = APPLY_TASK_CLAIM};

	if (!membership_claim_is_due(membership))
		return false;

	Status status = membership_claims_make(membership);

	if (!status_is_ok(&status))
	{
		failure_judge(consumer, &status);
		return false;
	}
	task.claims = membership->claims;
	task.claim_count = membership->claim_count;
	work_queue_submit(&consumer->work, &task, now_ms);
	return true;
}

static void
count_submit(Consumer *consumer, int64_t now_ms)
{
	Membership *membership = &consumer->membership;
	ApplyTask task = {.kind = APPLY_TASK_COUNT};
	Status status = membership_reaches_make(membership);

	if (!status_is_ok(&status))
	{
		failure_judge(consumer, &status);
		return;
	}
	task.reaches = membership->reaches;
	task.reach_count = membership->reach_count;
	work_queue_submit(&consumer->work, &task, now_ms);
}

/* Gives the idle worker something to do; drained: Kafka had nothing more just now. */
static void
work_submit(Consumer *consumer, bool drained, int64_t now_ms)
{
	WorkQueue *work = &consumer->work;
	bool due =
		drained || work_queue_is_full(work) || now_ms - work->gathering_since_ms >= GATHER_MS_MAX;

	if (!work_queue_is_ready(work, now_ms))
		return;
	if (work_queue_batch_waits(work))
		work_queue_submit_batch(work, now_ms);
	else if (claim_submit(consumer, now_ms))
		return;
	else if (now_ms - consumer->counted_at_ms >= COUNT_INTERVAL_MS)
		count_submit(consumer, now_ms); /* a flood must not hide how late it is */
	else if (work->gathering->position_count > 0 && due)
		work_queue_submit_batch(work, now_ms);
	else if (consumer->count_due)
		count_submit(consumer, now_ms);
}

/* One round: takes what Kafka has, as far as there is room for it. */
static void
consumer_read(Consumer *consumer, int64_t now_ms)
{
	WorkQueue *work = &consumer->work;
	bool is_running = work_queue_is_running(work);
	bool gathers = work->gathering->position_count > 0;
	bool drained = false;

	if (work_queue_is_full(work) && consumer->flow.state == FLOW_READING && is_running)
		task_collect(consumer, IDLE_POLL_MS);
	else
	{
		int timeout_ms = is_running ? BUSY_POLL_MS : gathers ? 0 : IDLE_POLL_MS;

		drained = !news_take(consumer, work_queue_batch_waits(work) ? IDLE_POLL_MS : timeout_ms);
		if (!gathers)
			work->gathering_since_ms = now_ms;
	}
	if (work_queue_is_running(work))
		task_collect(consumer, 0);
	work_submit(consumer, drained, now_ms);
	membership_flow_follow(&consumer->membership, &consumer->flow,
						   flow_decide(&consumer->flow, work_queue_is_full(work),
									   work_queue_is_troubled(work), now_ms));
}

/* Membership follows the database: who can't apply must not hold partitions. */
static void
group_attend(Consumer *consumer, int64_t now_ms)
{
	int64_t patience_ms = consumer->config->history.leave_after_ms;
	Status status;

	membership_leave_finish(&consumer->membership);
	if (work_queue_is_stuck(&consumer->work, now_ms, patience_ms))
		consumer_judge(consumer, HAPPENED_DATABASE_AWAY, NULL);
	if (consumer->membership.state != MEMBERSHIP_OUTSIDE ||
		!work_queue_is_served(&consumer->work, now_ms, patience_ms))
		return;
	status = membership_join(&consumer->membership);
	consumer->flow = (Flow){.state = FLOW_READING};
	if (!status_is_ok(&status))
		consumer_judge(consumer, HAPPENED_READING_BROKEN, &status);
}

/* Applies what was gathered, unless that fails or takes too long: then it is read again later. */
static void
consumer_drain(Consumer *consumer)
{
	WorkQueue *work = &consumer->work;
	int64_t deadline_ms = clock_monotonic_ms() + STOP_WAIT_MS;

	membership_end(&consumer->membership);
	while (!consumer->finished && clock_monotonic_ms() < deadline_ms)
	{
		consumer_assert_sane(consumer);
		if (work_queue_is_running(work))
			task_collect(consumer, IDLE_POLL_MS);
		else if (work_queue_is_troubled(work))
			break;
		else if (work_queue_batch_waits(work) || work->gathering->position_count > 0)
			work_queue_submit_batch(work, clock_monotonic_ms());
		else
			break;
	}
	membership_positions_tell(&consumer->membership, true);
}

static void
topic_look(Consumer *consumer, int64_t now_ms)
{
	Status verdict = topic_watch_turn(consumer->parts.watch, &consumer->membership, now_ms);

	if (!status_is_ok(&verdict))
		consumer_judge(consumer, HAPPENED_READING_BROKEN, &verdict);
	if (now_ms - consumer->looked_at_ms < LOOK_INTERVAL_MS)
		return;
	consumer->looked_at_ms = now_ms;
	membership_ends_look(&consumer->membership);
}

Status
consumer_run(Consumer *consumer)
{
	Membership *membership = &consumer->membership;
	Status status = topic_await(consumer->parts.subscriber, consumer->config->kafka.topic,
								consumer->daemon->health, consumer->loop);

	if (!status_is_ok(&status))
		return status;
	while (membership->state != MEMBERSHIP_ENDED && !signals_stop_requested())
	{
		int64_t now_ms = clock_monotonic_ms();

		consumer_assert_sane(consumer);
		health_loop_beat(consumer->daemon->health, consumer->loop);
		if (subscriber_commit_is_due(consumer->parts.subscriber))
			membership_positions_tell(membership, false);
		consumer_report_state(&consumer->report, membership, &consumer->flow, now_ms);
		group_attend(consumer, now_ms);
		consumer_read(consumer, now_ms);
		topic_look(consumer, now_ms);
	}
	consumer_drain(consumer);
	return consumer->end;
}
