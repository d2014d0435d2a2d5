/*
 * consumer.c
 *		The loop. Reading never waits for writing: while the worker applies one batch, the next one
 *		gathers. A batch goes to the worker as soon as the worker is free and Kafka has nothing more
 *		at this moment, so that a single event is not kept waiting and a flood is not chopped.
 */
#include "consumer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "consumer_state.h"
#include "event_reader.h"
#include "observe/log.h"
#include "base/signals.h"

#define LOOP_LIMIT_MS	   60000
#define IDLE_POLL_MS	   100
#define BUSY_POLL_MS	   2
#define GATHER_MS_MAX	   20	/* a batch is not kept longer than this while the worker is free */
#define FULL_PATIENCE_MS   1000 /* then partitions are paused, so that polling can go on */
#define COUNT_INTERVAL_MS  5000
#define REPORT_INTERVAL_MS 500
#define TOPIC_PAUSE_MS	   500
#define TOPIC_TIMEOUT_MS   5000
#define STOP_WAIT_MS	   10000
#define RETRY_INITIAL_MS   100
#define RETRY_MAXIMUM_MS   5000
#define DEAD_LETTER_SUFFIX ".dlq"

static void
owner_print(char owner[HISTORY_OWNER_BYTES])
{
	char host[20] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(owner, HISTORY_OWNER_BYTES, "wallet_history-%s-%d-%08" PRIx64, host, (int) getpid(),
			 (uint64_t) clock_wall_us() & UINT64_C(0xFFFFFFFF));
}

static Status
dead_letter_topic_name(Consumer *consumer)
{
	const char *told = consumer->config->history.dead_letter_topic;
	const char *topic = consumer->config->kafka.topic;
	size_t bytes = strlen(told != NULL ? told : topic) + sizeof(DEAD_LETTER_SUFFIX);

	consumer->dead_letter_topic = malloc(bytes);
	if (consumer->dead_letter_topic == NULL)
		return status_bug("out of memory");
	snprintf(consumer->dead_letter_topic, bytes, "%s%s", told != NULL ? told : topic,
			 told != NULL ? "" : DEAD_LETTER_SUFFIX);
	return status_ok();
}

static void
options_fill(Consumer *consumer)
{
	const HistoryConfig *config = consumer->config;

	consumer->applier_options = (ApplierOptions){
		.pg = &config->pg,
		.group = config->history.group,
		.topic = config->kafka.topic,
		.owner = consumer->owner,
		.stop_at_gap = config->history.on_gap == POLICY_STOP,
		.stop_at_conflict = config->history.on_conflict == POLICY_STOP,
	};
	consumer->dead_letter_options = (DeadLetterOptions){
		.kafka = &config->kafka,
		.topic = consumer->dead_letter_topic,
		.group = config->history.group,
	};
	consumer->subscriber_options = (SubscriberOptions){
		.kafka = &config->kafka,
		.group = config->history.group,
		.partitions_came = ownership_partitions_came,
		.partitions_go = ownership_partitions_go,
		.context = consumer,
	};
	consumer->limits = (BatchLimits){.records = (size_t) config->history.batch_events,
									 .bytes = (size_t) config->history.batch_bytes};
}

static Status
parts_make(Consumer *consumer)
{
	Status status = dead_letter_topic_name(consumer);

	if (!status_is_ok(&status))
		return status;
	options_fill(consumer);
	consumer->applier = applier_new(&consumer->applier_options);
	consumer->dead_letter = dead_letter_new(&consumer->dead_letter_options);
	if (consumer->applier == NULL || consumer->dead_letter == NULL)
		return status_bug("out of memory");
	consumer->worker = apply_worker_start(consumer->applier, consumer->dead_letter);
	if (consumer->worker == NULL)
		return status_bug("no thread can be started");
	return subscriber_new(&consumer->subscriber_options, &consumer->subscriber);
}

Status
consumer_new(const HistoryConfig *config, Daemon *daemon, Consumer **consumer)
{
	Consumer *created = calloc(1, sizeof(*created));
	Status status;

	*consumer = NULL;
	if (created == NULL)
		return status_bug("out of memory");
	created->config = config;
	created->daemon = daemon;
	created->loop = health_loop_add(daemon->health, "consumer", LOOP_LIMIT_MS);
	created->gathering = &created->batches[0];
	created->applying = &created->batches[1];
	created->end = status_ok();
	created->count_due = true;
	created->backoff =
		backoff_begin(RETRY_INITIAL_MS, RETRY_MAXIMUM_MS, (uint64_t) clock_wall_us());
	owner_print(created->owner);
	health_check_set(daemon->health, "history", false, "not connected to PostgreSQL yet");
	status = parts_make(created);
	if (status_is_ok(&status))
		*consumer = created;
	else
		consumer_free(created);
	return status;
}

void
consumer_free(Consumer *consumer)
{
	if (consumer == NULL)
		return;
	apply_worker_stop(consumer->worker);
	consumer->worker_busy = false;
	subscriber_free(consumer->subscriber);
	applier_free(consumer->applier);
	dead_letter_free(consumer->dead_letter);
	batch_free(&consumer->batches[0], subscriber_record_release);
	batch_free(&consumer->batches[1], subscriber_record_release);
	partition_table_free(&consumer->table);
	free(consumer->claims);
	free(consumer->dead_letter_topic);
	free(consumer);
}

/* Nothing more is read: the poison itself is not part of any batch. */
static void
poison_refuse(Consumer *consumer, const rd_kafka_message_t *message, const EventFault *fault)
{
	outcome_end(consumer, status_fatal(EXIT_CODE_CONFIGURATION,
									   "poison at partition %d, offset %lld: %s (%s). Restart with "
									   "HISTORY_ON_POISON=dlq to send it to the dead letters",
									   (int) message->partition, (long long) message->offset,
									   fault->reason, event_fault_name(fault->kind)));
}

static void
record_add(Consumer *consumer, Partition *partition, rd_kafka_message_t *message)
{
	BatchSource source = {.handle = message,
						  .partition = message->partition,
						  .offset = message->offset,
						  .fence = partition->fence,
						  .position = partition->read_offset,
						  .bytes = message->len + message->key_len};
	Event event;
	EventFault fault;
	bool added;

	if (event_read(message->key, message->key_len, message->payload, message->len, &event, &fault))
		added = batch_add_event(consumer->gathering, &source, &event);
	else if (consumer->config->history.on_poison == POLICY_GO_ON)
		added = batch_add_poison(consumer->gathering, &source, event_fault_name(fault.kind),
								 fault.reason);
	else
	{
		poison_refuse(consumer, message, &fault);
		subscriber_record_release(message);
		return;
	}
	partition->read_offset = message->offset + 1;
	if (!added)
		outcome_end(consumer, status_bug("out of memory"));
}

/* Records of partitions that went meanwhile, and those before the position, are nobody's. */
static void
record_take(Consumer *consumer, rd_kafka_message_t *message)
{
	Partition *partition = partition_table_find(&consumer->table, message->partition);

	if (partition == NULL || partition->state != PARTITION_READING || consumer->leaving ||
		consumer->reading_ended || message->offset < partition->read_offset)
		subscriber_record_release(message);
	else
		record_add(consumer, partition, message);
}

static void
error_take(Consumer *consumer, const Status *error)
{
	if (error->class == STATUS_RETRY)
		log_status(LOG_LEVEL_WARNING, "Kafka has a problem", error);
	else
	{
		outcome_end(consumer, *error);
		batch_clear(consumer->gathering, subscriber_record_release);
	}
}

/* True if there was anything. */
static bool
news_take(Consumer *consumer, int timeout_ms)
{
	SubscriberNews news;

	subscriber_poll(consumer->subscriber, timeout_ms, &news);
	switch (news.kind)
	{
		case SUBSCRIBER_NOTHING:
			return false;
		case SUBSCRIBER_RECORD:
			record_take(consumer, news.record);
			return true;
		case SUBSCRIBER_END:
		{
			Partition *partition = partition_table_find(&consumer->table, news.partition);

			if (partition != NULL)
				partition->end_offset = news.offset;
			return true;
		}
		case SUBSCRIBER_ERROR:
			error_take(consumer, &news.error);
			return true;
	}
	return false;
}

static void
batch_submit(Consumer *consumer)
{
	ApplyTask task = {.kind = APPLY_TASK_BATCH};

	if (!consumer->applying_waits)
	{
		Batch *emptied = consumer->applying;

		consumer->applying = consumer->gathering;
		consumer->gathering = emptied;
	}
	consumer->applying_waits = false;
	task.batch = consumer->applying;
	outcome_task_submit(consumer, &task);
}

/* Gives the idle worker something to do; drained: Kafka had nothing more just now. */
static void
work_submit(Consumer *consumer, bool drained, int64_t now_ms)
{
	bool due = drained || batch_is_full(consumer->gathering, &consumer->limits) ||
			   now_ms - consumer->gathering_since_ms >= GATHER_MS_MAX;

	if (consumer->worker_busy || now_ms < consumer->retry_at_ms)
		return;
	if (consumer->applying_waits)
		batch_submit(consumer);
	else if (ownership_claim_submit(consumer) || consumer->worker_busy)
		return;
	else if (consumer->gathering->position_count > 0 && due)
		batch_submit(consumer);
	else if (consumer->count_due || now_ms - consumer->counted_at_ms >= COUNT_INTERVAL_MS)
		outcome_task_submit(consumer, &(ApplyTask){.kind = APPLY_TASK_COUNT});
}

/* Pauses when memory is full and the worker stays away, or PostgreSQL is in trouble. */
static void
pause_decide(Consumer *consumer, int64_t now_ms)
{
	bool full = batch_is_full(consumer->gathering, &consumer->limits);

	if (!full)
		consumer->full_since_ms = 0;
	else if (consumer->full_since_ms == 0)
		consumer->full_since_ms = now_ms;

	bool hopeless = full && now_ms - consumer->full_since_ms >= FULL_PATIENCE_MS;

	if (hopeless || consumer->trouble)
		ownership_pause(consumer, true);
	else if (!full)
		ownership_pause(consumer, false);
}

/* One round: takes what Kafka has, as far as there is room for it. */
static void
consumer_read(Consumer *consumer, int64_t now_ms)
{
	bool full = batch_is_full(consumer->gathering, &consumer->limits);
	bool gathers = consumer->gathering->position_count > 0;
	bool drained = false;

	if (full && !consumer->paused && consumer->worker_busy)
		outcome_collect(consumer, IDLE_POLL_MS);
	else
	{
		int timeout_ms = consumer->worker_busy ? BUSY_POLL_MS : gathers ? 0 : IDLE_POLL_MS;

		drained = !news_take(consumer, consumer->applying_waits ? IDLE_POLL_MS : timeout_ms);
		if (!gathers)
			consumer->gathering_since_ms = now_ms;
	}
	if (consumer->worker_busy)
		outcome_collect(consumer, 0);
	work_submit(consumer, drained, now_ms);
	pause_decide(consumer, now_ms);
}

static void
consumer_tell(Consumer *consumer, int64_t now_ms)
{
	health_loop_beat(consumer->daemon->health, consumer->loop);
	if (subscriber_commit_is_due(consumer->subscriber))
		ownership_positions_tell(consumer, false);

	size_t claims = partition_table_count(&consumer->table, PARTITION_CLAIMING);

	/* Whether it is ready must not be known late. */
	if (now_ms - consumer->reported_at_ms >= REPORT_INTERVAL_MS ||
		claims != consumer->reported_claims)
	{
		consumer->reported_at_ms = now_ms;
		consumer->reported_claims = claims;
		outcome_report(consumer);
	}
}

/* Kafka may come later than this process, and so may the topic. OK with a stop requested, too. */
static Status
topic_await(Consumer *consumer)
{
	Health *health = consumer->daemon->health;
	bool exists = false;

	for (;;)
	{
		Wait wait = wait_begin(signals_stop_fd(), TOPIC_TIMEOUT_MS);
		Status status = subscriber_topic_exists(consumer->subscriber, &wait, &exists);

		health_loop_beat(health, consumer->loop);
		if (exists || signals_stop_requested() || status.class > STATUS_RETRY)
			return signals_stop_requested() ? status_ok() : status;
		health_check_set(health, "kafka", status_is_ok(&status), "%s", status.text);
		health_check_set(health, "partitions", false, "topic %s does not exist yet",
						 consumer->config->kafka.topic);
		if (!wait_pause(signals_stop_fd(), TOPIC_PAUSE_MS))
			return status_ok();
	}
}

/*
 * What was gathered is applied, unless that fails or takes too long: then it is read again later.
 */
static void
consumer_drain(Consumer *consumer)
{
	int64_t deadline_ms = clock_monotonic_ms() + STOP_WAIT_MS;

	while (!consumer->finished && clock_monotonic_ms() < deadline_ms)
	{
		if (consumer->worker_busy)
			outcome_collect(consumer, IDLE_POLL_MS);
		else if (consumer->trouble)
			break;
		else if (consumer->applying_waits || consumer->gathering->position_count > 0)
			batch_submit(consumer);
		else
			break;
	}
	ownership_positions_tell(consumer, true);
}

Status
consumer_run(Consumer *consumer)
{
	Status status = topic_await(consumer);

	if (status_is_ok(&status) && !signals_stop_requested())
		status = subscriber_join(consumer->subscriber);
	if (!status_is_ok(&status))
		return status;
	while (!consumer->reading_ended && !signals_stop_requested())
	{
		int64_t now_ms = clock_monotonic_ms();

		consumer_tell(consumer, now_ms);
		ownership_rejoin(consumer);
		consumer_read(consumer, now_ms);
	}
	consumer_drain(consumer);
	return consumer->end;
}
