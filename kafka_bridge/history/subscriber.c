/*
 * subscriber.c
 *		A librdkafka consumer in a group, with the positions kept elsewhere.
 *
 * auto.offset.reset is "error": every partition is assigned with the offset that PostgreSQL names,
 * and if the topic has no such offset any more, somebody must decide what that means.
 */
#include "subscriber.h"

#include <assert.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "observe/log.h"

#define DESTROY_SECONDS_MAX 5
#define REPORT_AGE_MAX_US	50000

/* The call that librdkafka waits for before the group goes on. */
typedef enum GroupAnswer
{
	ANSWER_NONE,
	ANSWER_ASSIGN,
	ANSWER_UNASSIGN
} GroupAnswer;

/* What the callback writes down. */
typedef struct GroupRequest
{
	bool is_news;							/* the loop does not know of it yet */
	GroupAnswer answer;						/* that is still due */
	bool lost;								/* the assignment is */
	rd_kafka_topic_partition_list_t *asked; /* partitions that came or go */
	int32_t *numbers;						/* the same, for the news */
} GroupRequest;

/* Callbacks of the handle run inside subscriber_poll() and so in the same thread. */
struct Subscriber
{
	const SubscriberOptions *options;
	KafkaObserver observer;
	rd_kafka_t *handle;
	bool connected;
	bool topic_missing;
	bool commit_due; /* the group was at rest just now */
	bool joining;	 /* asked to join, and no partitions came yet */
	bool closing;	 /* nobody hears of news any more */
	GroupRequest request;
};

/* A handle of an older librdkafka that ends while it joins aborts the process (its issue 4312). */
#define VERSION_SAFE_TO_DESTROY 0x02030000

static bool
broker_is_up(const json_t *broker)
{
	const char *state = json_string_value(json_object_get(broker, "state"));

	return state != NULL && strcmp(state, "UP") == 0;
}

/* A report that waited for a busy loop tells nothing about now. */
static bool
group_is_at_rest(const json_t *statistics)
{
	int64_t made_at_us = json_integer_value(json_object_get(statistics, "ts"));
	const json_t *group = json_object_get(statistics, "cgrp");
	const char *state = json_string_value(json_object_get(group, "join_state"));

	return state != NULL && strcmp(state, "steady") == 0 &&
		   clock_monotonic_us() - made_at_us < REPORT_AGE_MAX_US;
}

static void
statistics_read(rd_kafka_t *handle, const char *text, size_t bytes, void *context)
{
	Subscriber *subscriber = context;
	json_t *statistics = json_loadb(text, bytes, 0, NULL);
	json_t *brokers = json_object_get(statistics, "brokers");
	const char *name;
	json_t *broker;
	bool connected = false;

	(void) handle;
	json_object_foreach(brokers, name, broker)
	{
		connected = connected || broker_is_up(broker);
	}
	subscriber->connected = connected;
	subscriber->commit_due = group_is_at_rest(statistics);
	json_decref(statistics);
}

/* The group also takes back what was declined; librdkafka refuses a list that has such a one. */
static void
partitions_unassign(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *held = rd_kafka_topic_partition_list_new(list->cnt);
	rd_kafka_topic_partition_list_t *assigned = NULL;

	if (rd_kafka_assignment(handle, &assigned) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; i < list->cnt; i++)
		{
			const rd_kafka_topic_partition_t *element = &list->elems[i];

			if (rd_kafka_topic_partition_list_find(assigned, element->topic, element->partition) !=
				NULL)
				rd_kafka_topic_partition_list_add(held, element->topic, element->partition);
		}

	rd_kafka_error_t *error = rd_kafka_incremental_unassign(handle, held);

	if (error != NULL)
		log_warning("partitions cannot be given back",
					log_text("error", rd_kafka_error_string(error)));
	rd_kafka_error_destroy(error);
	rd_kafka_topic_partition_list_destroy(held);
	if (assigned != NULL)
		rd_kafka_topic_partition_list_destroy(assigned);
}

/*
 * rd_kafka_consumer_close() waits inside itself for the answers, so there the callback gives them:
 * nothing is taken any more and everything given back. This is the only deed of a callback.
 */
static void
request_answer_closing(rd_kafka_t *handle, bool came, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);

	if (came)
		rd_kafka_error_destroy(rd_kafka_incremental_assign(handle, none));
	else
		partitions_unassign(handle, list);
	rd_kafka_topic_partition_list_destroy(none);
}

static void
request_clear(GroupRequest *request)
{
	if (request->asked != NULL)
		rd_kafka_topic_partition_list_destroy(request->asked);
	free(request->numbers);
	*request = (GroupRequest){.answer = ANSWER_NONE};
}

/* librdkafka's rebalance callback. The group goes on when the loop has assigned or unassigned. */
static void
request_record(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
			   void *opaque)
{
	KafkaObserver *observer = opaque;
	Subscriber *subscriber = observer->context;
	GroupRequest *request = &subscriber->request;
	bool came = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

	if (subscriber->closing)
	{
		request_answer_closing(handle, came, list);
		return;
	}
	request_clear(request);
	request->is_news = true;
	request->answer = came ? ANSWER_ASSIGN : ANSWER_UNASSIGN;
	request->lost = rd_kafka_assignment_lost(handle) != 0;
	request->asked = rd_kafka_topic_partition_list_copy(list);
	/* The poll returns at once, and no record of another assignment comes before the answer. */
	rd_kafka_yield(handle);
}

/* A full queue is looked at again after a second, unless told otherwise: newer versions can be. */
static void
queue_backoff_shorten(const KafkaOptions *options, rd_kafka_conf_t *conf)
{
	static const char property[] = "fetch.queue.backoff.ms";
	char ignored[128];

	if (config_property_get(&options->properties, property) == NULL)
		rd_kafka_conf_set(conf, property, "10", ignored, sizeof(ignored));
}

Status
subscriber_new(const SubscriberOptions *options, Subscriber **subscriber)
{
	static const KafkaSetting defaults[] = {
		{"client.id", "wallet_history"},
		/* A record is handed out as soon as it is there; these bound the rarer waits. */
		{"fetch.wait.max.ms", "100"},
		{"fetch.error.backoff.ms", "100"},
		{"topic.metadata.refresh.interval.ms", "10000"},
		/* A killed process is replaced after this time. */
		{"session.timeout.ms", "6000"},
		{"heartbeat.interval.ms", "2000"},
		{"queued.min.messages", "100000"},
		{"queued.max.messages.kbytes", "8192"},
		{"statistics.interval.ms", "1000"},
		{NULL, NULL},
	};
	const KafkaSetting forced[] = {
		{"group.id", options->group},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_committed"},
		{"partition.assignment.strategy", "cooperative-sticky"},
		{"enable.partition.eof", "true"},
		{"allow.auto.create.topics", "false"},
		{"check.crcs", "true"},
		{NULL, NULL},
	};
	Subscriber *created = calloc(1, sizeof(*created));
	rd_kafka_conf_t *conf = NULL;

	*subscriber = NULL;
	if (created == NULL)
		return status_bug("out of memory");
	created->options = options;
	created->observer = (KafkaObserver){.statistics = statistics_read, .context = created};

	Status status = kafka_conf_new(options->kafka, defaults, forced, &created->observer, &conf);

	if (status_is_ok(&status))
	{
		queue_backoff_shorten(options->kafka, conf);
		rd_kafka_conf_set_rebalance_cb(conf, request_record);
		status = kafka_handle_new(RD_KAFKA_CONSUMER, conf, &created->handle);
	}
	if (!status_is_ok(&status))
	{
		free(created);
		return status;
	}
	rd_kafka_poll_set_consumer(created->handle);
	*subscriber = created;
	return status;
}

static void *
handle_destroy(void *handle)
{
	rd_kafka_destroy(handle);
	return NULL;
}

/* librdkafka 2.0 waits for ever here if the topic was deleted and made anew: then false. */
static bool
handle_destroy_bounded(rd_kafka_t *handle)
{
	struct timespec deadline;
	pthread_t thread;

	if (pthread_create(&thread, NULL, handle_destroy, handle) != 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += DESTROY_SECONDS_MAX;
	if (pthread_timedjoin_np(thread, NULL, &deadline) == 0)
		return true;
	pthread_detach(thread);
	return false;
}

void
subscriber_free(Subscriber *subscriber)
{
	bool destroyed = false;

	if (subscriber == NULL)
		return;
	subscriber_decline(subscriber);
	if (subscriber->request.answer == ANSWER_UNASSIGN)
		subscriber_give_back(subscriber);
	subscriber->closing = true;
	rd_kafka_consumer_close(subscriber->handle);
	request_clear(&subscriber->request);
	/* It has left the group in any case, and the process is about to end. */
	if (!subscriber->joining || rd_kafka_version() >= VERSION_SAFE_TO_DESTROY)
		destroyed = handle_destroy_bounded(subscriber->handle);
	/* A handle that is left behind goes on using its observer. */
	if (destroyed)
		free(subscriber);
	else
		log_info("the Kafka client is left behind: this version of it does not end cleanly now");
}

Status
subscriber_topic_exists(Subscriber *subscriber, const Wait *wait, bool *exists)
{
	int partition_count = 0;
	Status status =
		kafka_topic_partition_count(subscriber->handle, subscriber->options->kafka->topic, wait,
									&partition_count);

	*exists = partition_count > 0;
	if (status_is_ok(&status))
		subscriber->connected = true;
	return status;
}

static rd_kafka_topic_partition_t *
partition_add(const Subscriber *subscriber, rd_kafka_topic_partition_list_t *list,
			  int32_t partition)
{
	return rd_kafka_topic_partition_list_add(list, subscriber->options->kafka->topic, partition);
}

static rd_kafka_topic_partition_list_t *
position_list_fill(const Subscriber *subscriber, const SubscriberPosition *positions, size_t count)
{
	rd_kafka_topic_partition_list_t *list;

	assert(count <= INT_MAX);
	list = rd_kafka_topic_partition_list_new((int) count);
	for (size_t i = 0; i < count; i++)
		partition_add(subscriber, list, positions[i].partition)->offset = positions[i].offset;
	return list;
}

Status
subscriber_join(Subscriber *subscriber)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);

	partition_add(subscriber, topics, RD_KAFKA_PARTITION_UA);

	rd_kafka_resp_err_t code = rd_kafka_subscribe(subscriber->handle, topics);

	rd_kafka_topic_partition_list_destroy(topics);
	subscriber->joining = true;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return status_ok();
	return kafka_code_classify(code, "cannot subscribe", NULL);
}

Status
subscriber_leave(Subscriber *subscriber)
{
	rd_kafka_resp_err_t code = rd_kafka_unsubscribe(subscriber->handle);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return status_ok();
	return kafka_code_classify(code, "cannot leave the group", NULL);
}

static Status
record_error_classify(const rd_kafka_message_t *message)
{
	if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
		message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
		return status_fatal(
			EXIT_CODE_CONFIGURATION,
			"partition %d of the topic no longer has the stored position (%s): its records were "
			"removed, or the topic was made anew. Restore the topic, or run wallet_history "
			"rebuild, or delete the partition's row in wallet_history_offsets to begin with what "
			"is left and fill the rest by wallet_bridge backfill",
			(int) message->partition, rd_kafka_message_errstr(message));
	return kafka_code_classify(message->err, "reading from Kafka",
							   rd_kafka_message_errstr(message));
}

/* Tells the loop what the group asks. */
static void
request_report(Subscriber *subscriber, SubscriberNews *news)
{
	GroupRequest *request = &subscriber->request;
	size_t count = (size_t) request->asked->cnt;

	request->is_news = false;
	request->numbers = calloc(count + 1, sizeof(*request->numbers));
	if (request->numbers == NULL)
	{
		news->kind = SUBSCRIBER_ERROR;
		news->error = status_bug("out of memory");
		return;
	}
	for (size_t i = 0; i < count; i++)
		request->numbers[i] = request->asked->elems[i].partition;
	if (request->answer == ANSWER_ASSIGN)
	{
		subscriber->joining = false;
		subscriber->topic_missing = subscriber->topic_missing && count == 0;
	}
	news->kind = request->answer == ANSWER_ASSIGN ? SUBSCRIBER_CAME : SUBSCRIBER_GOES;
	news->partitions = request->numbers;
	news->partition_count = count;
	news->lost = request->lost;
}

void
subscriber_poll(Subscriber *subscriber, int timeout_ms, SubscriberNews *news)
{
	assert(subscriber->request.is_news || subscriber->request.answer != ANSWER_UNASSIGN);

	/* A message beside a request would be of a librdkafka that ignores the yield: it goes first. */
	rd_kafka_message_t *message =
		subscriber->request.is_news ? NULL : rd_kafka_consumer_poll(subscriber->handle, timeout_ms);

	news->kind = SUBSCRIBER_NOTHING;
	news->record = NULL;
	if (message == NULL)
	{
		if (subscriber->request.is_news)
			request_report(subscriber, news);
		return;
	}
	news->partition = message->partition;
	news->offset = message->offset;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		news->kind = SUBSCRIBER_RECORD;
		news->record = message;
		return;
	}
	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		news->kind = SUBSCRIBER_END;
	else
	{
		news->kind = SUBSCRIBER_ERROR;
		if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			subscriber->topic_missing = true;
		news->error = record_error_classify(message);
	}
	rd_kafka_message_destroy(message);
}

void
subscriber_record_release(void *record)
{
	rd_kafka_message_destroy(record);
}

Status
subscriber_bounds(Subscriber *subscriber, int32_t partition, int timeout_ms, int64_t *start,
				  int64_t *end)
{
	rd_kafka_resp_err_t code =
		rd_kafka_query_watermark_offsets(subscriber->handle, subscriber->options->kafka->topic,
										 partition, start, end, timeout_ms);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return status_ok();
	return kafka_code_classify(code, "cannot ask for a partition's offsets", NULL);
}

Status
subscriber_topic_id(Subscriber *subscriber, int timeout_ms, char id[KAFKA_TOPIC_ID_BYTES])
{
	Wait wait = wait_begin(-1, timeout_ms);

	return kafka_topic_id_get(subscriber->handle, subscriber->options->kafka->topic, &wait, id);
}

Status
subscriber_topic_is_compacted(Subscriber *subscriber, int timeout_ms, bool *is_compacted)
{
	Wait wait = wait_begin(-1, timeout_ms);
	KafkaTopicValue policy = {.setting = "cleanup.policy"};
	Status status = kafka_topic_values_get(subscriber->handle, subscriber->options->kafka->topic,
										   &wait, &policy, 1);

	*is_compacted = status_is_ok(&status) && strstr(policy.text, "compact") != NULL;
	return status;
}

Status
subscriber_assign(Subscriber *subscriber, const SubscriberPosition *positions, size_t count)
{
	rd_kafka_topic_partition_list_t *list = position_list_fill(subscriber, positions, count);

	if (subscriber->request.answer == ANSWER_ASSIGN)
		subscriber->request.answer = ANSWER_NONE;

	rd_kafka_error_t *error = rd_kafka_incremental_assign(subscriber->handle, list);

	rd_kafka_topic_partition_list_destroy(list);
	return kafka_error_classify(error, "cannot take partitions");
}

/* librdkafka waits for the assignment it asked for, also when it leaves or closes. */
void
subscriber_decline(Subscriber *subscriber)
{
	Status status;

	if (subscriber->request.answer != ANSWER_ASSIGN)
		return;
	status = subscriber_assign(subscriber, NULL, 0);
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "partitions cannot be declined", &status);
}

void
subscriber_give_back(Subscriber *subscriber)
{
	GroupRequest *request = &subscriber->request;

	assert(request->answer == ANSWER_UNASSIGN);
	request->answer = ANSWER_NONE;
	partitions_unassign(subscriber->handle, request->asked);
}

static rd_kafka_topic_partition_list_t *
partition_list_fill(const Subscriber *subscriber, const int32_t *partitions, size_t count)
{
	rd_kafka_topic_partition_list_t *list;

	assert(count <= INT_MAX);
	list = rd_kafka_topic_partition_list_new((int) count);
	for (size_t i = 0; i < count; i++)
		partition_add(subscriber, list, partitions[i]);
	return list;
}

/* librdkafka answers for each partition. */
static Status
partition_list_check(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t *list,
					 const char *what)
{
	for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		code = list->elems[i].err;
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? status_ok() : kafka_code_classify(code, what, NULL);
}

Status
subscriber_pause(Subscriber *subscriber, const int32_t *partitions, size_t count)
{
	rd_kafka_topic_partition_list_t *list = partition_list_fill(subscriber, partitions, count);
	Status status = partition_list_check(rd_kafka_pause_partitions(subscriber->handle, list), list,
										 "cannot pause partitions");

	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

Status
subscriber_resume(Subscriber *subscriber, const int32_t *partitions, size_t count)
{
	rd_kafka_topic_partition_list_t *list = partition_list_fill(subscriber, partitions, count);
	Status status = partition_list_check(rd_kafka_resume_partitions(subscriber->handle, list), list,
										 "cannot resume partitions");

	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

void
subscriber_commit(Subscriber *subscriber, const SubscriberPosition *positions, size_t count,
				  bool wait)
{
	rd_kafka_topic_partition_list_t *list = position_list_fill(subscriber, positions, count);

	if (count > 0)
		rd_kafka_commit(subscriber->handle, list, wait ? 0 : 1);
	rd_kafka_topic_partition_list_destroy(list);
}

bool
subscriber_commit_is_due(Subscriber *subscriber)
{
	bool due = subscriber->commit_due;

	subscriber->commit_due = false;
	return due;
}

int64_t
subscriber_end_offset(const Subscriber *subscriber, int32_t partition)
{
	int64_t start = -1;
	int64_t end = -1;

	rd_kafka_get_watermark_offsets(subscriber->handle, subscriber->options->kafka->topic, partition,
								   &start, &end);
	return end >= 0 ? end : -1;
}

bool
subscriber_topic_is_missing(const Subscriber *subscriber)
{
	return subscriber->topic_missing;
}

bool
subscriber_is_connected(const Subscriber *subscriber)
{
	return subscriber->connected;
}
