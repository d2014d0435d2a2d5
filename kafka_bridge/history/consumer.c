/*
 * consumer.c
 *		The loop. Reading never waits for writing: while an applier has one batch, its next one
 *		gathers. A batch goes to its worker as soon as the worker is free and Kafka has nothing more
 *		at this moment, so that a single event is not kept waiting and a flood is not chopped.
 *
 * Three machines hold the state: membership (the group and its partitions), work (of each applier:
 * its batches and its worker) and flow (read or paused). What something that happened means,
 * outcome.c says; verdict.c acts on it, in this thread.
 */
#include "consumer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "consumer_state.h"
#include "history_metrics.h"
#include "intake.h"
#include "observe/log.h"
#include "outcome.h"
#include "base/signals.h"
#include "topic_await.h"
#include "verdict.h"

#define LOOP_LIMIT_MS	  60000
#define IDLE_POLL_MS	  100
#define BUSY_POLL_MS	  2
#define GATHER_MS_MAX	  20 /* a batch is not kept longer than this while its worker is free */
#define READ_RECORDS_MAX  64 /* in one turn of the loop */
#define COUNT_INTERVAL_MS 2000
#define LOOK_INTERVAL_MS  500
#define REVOKE_WAIT_MS	  5000
#define STOP_WAIT_MS	  10000

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
	work_queues_init(&created->work, created->parts.workers, (size_t) config->history.appliers,
					 &limits);
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
	work_queues_free(&consumer->work);
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
	work_queues_assert_sane(&consumer->work);
	/* Partitions are a member's, or go back. */
	assert((membership->state != MEMBERSHIP_OUTSIDE && membership->state != MEMBERSHIP_JOINING) ||
		   membership->table.count == 0);
	/* Only what a member has read is gathered. */
	assert(membership->state == MEMBERSHIP_MEMBER || membership->state == MEMBERSHIP_ENDED ||
		   !work_queues_gather(&consumer->work));
	/* There is a reason to end exactly when reading has ended for one. */
	assert(status_is_ok(&consumer->end) || membership->state == MEMBERSHIP_ENDED);
	assert(!consumer->finished || membership->state == MEMBERSHIP_ENDED);
}

static void
claims_conclude(Consumer *consumer)
{
	Status status = membership_claims_check(&consumer->membership);
	bool is_anew = status.class > STATUS_RETRY;

	consumer->count_due = true;
	/* Another owner may have written since these wallets were last seen here. */
	work_queues_distrust_cache(&consumer->work);
	topic_watch_hurry(consumer->parts.watch);
	if (status_is_ok(&status))
		status = membership_claims_take(&consumer->membership);
	if (!status_is_ok(&status))
	{
		log_status(LOG_LEVEL_WARNING, "partitions cannot be taken", &status);
		verdict_obey(consumer, is_anew ? HAPPENED_READING_BROKEN : HAPPENED_TAKING_REFUSED,
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
task_conclude(Consumer *consumer, WorkQueue *work, const ApplyTask *task)
{
	switch (task->kind)
	{
		case APPLY_TASK_LOOK:
			break;
		case APPLY_TASK_BATCH:
			membership_positions_move(&consumer->membership, task->batch);
			consumer_report_applied(&consumer->report, task);
			if (task->report.gaps + task->report.conflicts + task->report.filled > 0)
				consumer->count_due = true;
			batch_clear(work_queue_applying(work), subscriber_record_release);
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

/* Waits at most timeout_ms for the queue's task and acts on what came of it. */
static void
task_collect(Consumer *consumer, WorkQueue *work, int timeout_ms)
{
	bool was_well = work_queues_are_well(&consumer->work);
	ApplyTask task;

	if (!work_queue_is_running(work) || !work_queue_collect(work, timeout_ms, &task))
		return;
	consumer_report_task(&consumer->report, &task);
	if (status_is_ok(&task.status))
	{
		work_queue_succeed(work);
		if (work_queues_are_well(&consumer->work))
			consumer_report_success(&consumer->report, !was_well);
	}

	bool partition_went = !membership_owns_batch(&consumer->membership, work_queue_applying(work));
	Happening happening =
		outcome_of_task(&task, partition_went, consumer->config->history.on_poison == POLICY_STOP);
	Verdict verdict = outcome_judge(consumer->membership.state, happening);

	if (happening == HAPPENED_FENCE_LOST)
		log_warning("positions are not as this process left them: rolled back",
					log_text("cause", "another owner has taken over, or PostgreSQL lost its last "
									  "commits in a crash"));
	if (verdict == VERDICT_GO_ON)
		task_conclude(consumer, work, &task);
	else
		verdict_follow(consumer, verdict, &task.status, work, &task);
	membership_batch_prune(&consumer->membership, work_queue_applying(work));
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
		verdict_obey(consumer, HAPPENED_MEMORY_OUT, &status);
}

/* Waits for the batches that the workers have. */
static void
batches_await(Consumer *consumer, int64_t deadline_ms)
{
	for (size_t i = 0; i < consumer->work.count; i++)
	{
		WorkQueue *work = &consumer->work.queues[i];
		int64_t left_ms = deadline_ms - clock_monotonic_ms();

		if (work_queue_has_batch(work))
			task_collect(consumer, work, left_ms > 0 ? (int) left_ms : 0);
	}
}

/*
 * The group takes partitions and waits for us. What the workers have is waited for, but not for
 * long: what is not committed then is dropped, and what commits later anyway has passed the fence
 * and so was ours.
 */
static void
partitions_let_go(Consumer *consumer, const SubscriberNews *news)
{
	consumer_report_rebalance(&consumer->report, news->lost ? REBALANCE_LOST : REBALANCE_WENT,
							  news->partitions, news->partition_count);
	if (!news->lost)
	{
		batches_await(consumer, clock_monotonic_ms() + REVOKE_WAIT_MS);
		membership_positions_tell(&consumer->membership, false);
	}
	for (size_t i = 0; i < news->partition_count; i++)
		work_queues_drop_partition(&consumer->work, news->partitions[i]);
	membership_partitions_went(&consumer->membership, news->partitions, news->partition_count);
	/* Their next owner writes what this process then does not know of. */
	work_queues_distrust_cache(&consumer->work);
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
		verdict_obey(consumer, happening, &reason);
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
		verdict_obey(consumer, topic_went ? HAPPENED_TOPIC_WENT : HAPPENED_READING_FAILED, error);
	}
	else
		verdict_obey(consumer, HAPPENED_READING_BROKEN, error);
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
claim_submit(Consumer *consumer, WorkQueue *work, int64_t now_ms)
{
	Membership *membership = &consumer->membership;
	ApplyTask task = {.kind = APPLY_TASK_CLAIM};

	if (!membership_claim_is_due(membership))
		return false;

	Status status = membership_claims_make(membership);

	if (!status_is_ok(&status))
	{
		verdict_obey_failure(consumer, work, &status);
		return false;
	}
	task.claims = membership->claims;
	task.claim_count = membership->claim_count;
	work_queue_submit(work, &task, now_ms);
	return true;
}

/* A flood must not hide how late it is; what is only due waits until there is nothing to apply. */
static void
count_submit(Consumer *consumer, int64_t now_ms)
{
	Membership *membership = &consumer->membership;
	WorkQueue *work = work_queues_counting(&consumer->work);
	ApplyTask task = {.kind = APPLY_TASK_COUNT};
	bool is_due = consumer->count_due && !work_queues_have_records(&consumer->work);

	if (!work_queue_is_ready(work, now_ms) ||
		(!is_due && now_ms - consumer->counted_at_ms < COUNT_INTERVAL_MS))
		return;

	Status status = membership_reaches_make(membership);

	if (!status_is_ok(&status))
	{
		verdict_obey_failure(consumer, work, &status);
		return;
	}
	task.reaches = membership->reaches;
	task.reach_count = membership->reach_count;
	work_queue_submit(work, &task, now_ms);
}

/* Gives an idle worker something to do; drained: nothing more is to be had just now. */
static void
work_submit(Consumer *consumer, WorkQueue *work, bool drained, int64_t now_ms)
{
	bool due =
		drained || work_queue_is_full(work) || now_ms - work->gathering_since_ms >= GATHER_MS_MAX;

	if (!work_queue_is_ready(work, now_ms))
		return;
	if (work_queue_batch_waits(work))
		work_queue_submit_batch(work, now_ms);
	else if (work == &consumer->work.queues[0] && claim_submit(consumer, work, now_ms))
		return;
	else if (work->gathering->position_count > 0 && due)
		work_queue_submit_batch(work, now_ms);
	else if (work_queue_is_ready(work, now_ms) && work_queue_is_doubtful(work))
		work_queue_submit_look(work, now_ms);
}

/* Takes what Kafka has, but not more than there is room for. True: it has no more. */
static bool
records_take(Consumer *consumer, int timeout_ms)
{
	for (int taken = 0; taken < READ_RECORDS_MAX; taken++)
	{
		if (!news_take(consumer, taken == 0 ? timeout_ms : 0))
			return true;
		if (consumer->membership.state != MEMBERSHIP_MEMBER ||
			work_queues_full_find(&consumer->work) != NULL)
			break;
	}
	return false;
}

/* Reads, or waits where there is no room. True: nothing more is to be had just now. */
static bool
consumer_read(Consumer *consumer, int64_t now_ms)
{
	WorkQueues *all = &consumer->work;
	WorkQueue *full = work_queues_full_find(all);
	int timeout_ms = IDLE_POLL_MS;

	for (size_t i = 0; i < all->count; i++)
		if (all->queues[i].gathering->position_count == 0)
			all->queues[i].gathering_since_ms = now_ms;
	if (full != NULL && consumer->flow.state == FLOW_READING && work_queue_is_running(full))
	{
		/* The others may end sooner. */
		task_collect(consumer, full, all->count > 1 ? BUSY_POLL_MS : IDLE_POLL_MS);
		return true;
	}
	if (work_queues_could_submit(all, now_ms))
		timeout_ms = 0;
	else if (work_queues_are_running(all))
		timeout_ms = BUSY_POLL_MS;
	return records_take(consumer, timeout_ms);
}

/* One round: records in, tasks out. */
static void
consumer_turn(Consumer *consumer, int64_t now_ms)
{
	WorkQueues *all = &consumer->work;
	bool drained = consumer_read(consumer, now_ms);

	for (size_t i = 0; i <= all->count; i++)
		task_collect(consumer, &all->queues[i], 0);
	for (size_t i = 0; i < all->count; i++)
		work_submit(consumer, &all->queues[i], drained, now_ms);
	count_submit(consumer, now_ms);
	membership_flow_follow(&consumer->membership, &consumer->flow,
						   flow_decide(&consumer->flow, work_queues_full_find(all) != NULL,
									   work_queues_are_troubled(all), now_ms));
}

/* Membership follows the database: who can't apply must not hold partitions. */
static void
group_attend(Consumer *consumer, int64_t now_ms)
{
	int64_t patience_ms = consumer->config->history.leave_after_ms;
	Status status;

	membership_leave_finish(&consumer->membership);
	if (work_queues_are_stuck(&consumer->work, now_ms, patience_ms))
		verdict_obey(consumer, HAPPENED_DATABASE_AWAY, NULL);
	if (consumer->membership.state != MEMBERSHIP_OUTSIDE ||
		!work_queues_are_served(&consumer->work, now_ms, patience_ms))
		return;
	status = membership_join(&consumer->membership);
	consumer->flow = (Flow){.state = FLOW_READING};
	if (!status_is_ok(&status))
		verdict_obey(consumer, HAPPENED_READING_BROKEN, &status);
}

/* Applies what was gathered, unless that fails or takes too long: then it is read again later. */
static void
consumer_drain(Consumer *consumer)
{
	WorkQueues *all = &consumer->work;
	int64_t deadline_ms = clock_monotonic_ms() + STOP_WAIT_MS;

	membership_end(&consumer->membership);
	while (!consumer->finished && clock_monotonic_ms() < deadline_ms &&
		   !work_queues_are_troubled(all) && work_queues_have_records(all))
	{
		consumer_assert_sane(consumer);
		for (size_t i = 0; i < all->count; i++)
		{
			WorkQueue *work = &all->queues[i];

			task_collect(consumer, work, BUSY_POLL_MS);
			if (work_queue_is_ready(work, clock_monotonic_ms()) &&
				(work_queue_batch_waits(work) || work->gathering->position_count > 0))
				work_queue_submit_batch(work, clock_monotonic_ms());
		}
	}
	membership_positions_tell(&consumer->membership, true);
}

static void
topic_look(Consumer *consumer, int64_t now_ms)
{
	Status verdict = topic_watch_turn(consumer->parts.watch, &consumer->membership, now_ms);

	if (!status_is_ok(&verdict))
		verdict_obey(consumer, HAPPENED_READING_BROKEN, &verdict);
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
		consumer_turn(consumer, now_ms);
		topic_look(consumer, now_ms);
	}
	consumer_drain(consumer);
	return consumer->end;
}
