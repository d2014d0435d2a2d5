/*
 * publisher.c
 *		Hands events to Kafka and reports what became of each. Knows nothing of PostgreSQL.
 *
 * Order: one producer, key = wallet id, the partitioner of the Java clients. The partitioner is
 * called with the number of partitions that librdkafka sees at that moment: a changed number is
 * noticed there, before a single event goes to another partition than its wallet's earlier ones.
 *
 * Idempotent delivery: a record counts when the brokers acknowledge it. Transactional: it goes into
 * a Kafka transaction, which the progress record closes; publisher_poll commits that, then reports.
 */
#include "publisher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_message.h"
#include "kafka_transaction.h"
#include "linger.h"
#include "observe/log.h"
#include "publisher_handle.h"
#include "transaction_state.h"
#include "wallet_event.h"

/* librdkafka's own needs per message with nine headers, measured; bounds memory, not the wire. */
#define EVENT_OVERHEAD_BYTES 1450

#define CLOSE_FLUSH_MS 1000

/* A partition that cannot exist: the message fails at once instead of waiting for it. */
#define PARTITION_REFUSED INT32_MAX

struct Publisher
{
	rd_kafka_t *handle;
	rd_kafka_queue_t *main_queue; /* where rd_kafka_poll waits, to end that wait */
	rd_kafka_topic_t *events;
	rd_kafka_topic_t *progress;
	rd_kafka_topic_t *dead_letters; /* NULL: none */
	KafkaTransaction *transaction;	/* NULL: idempotent delivery */
	bool closes_with_record;		/* of the progress topic, with this ticket */
	uint64_t closing_ticket;
	PublisherReport report;
	void *context;
	const char *source;
	int partition_count;
	int64_t message_bytes_max;
	bool accept_repartition;
	atomic_int partition_count_seen; /* another one, 0 while it is as expected */
	atomic_bool cut_off;
	atomic_bool hurries;
	KafkaObserver observer;
	TopicMark mark;		  /* of the thread that polls */
	pthread_mutex_t lock; /* guards failure */
	Status failure;		  /* the first one */
};

/*
 * One record's refusal may fail others with it: what nothing mends outranks what a retry may, and
 * that another producer took over outranks what it did to the records.
 */
static void
failure_set(Publisher *publisher, const Status *status)
{
	pthread_mutex_lock(&publisher->lock);
	if (status_is_ok(&publisher->failure) ||
		(publisher->failure.class == STATUS_RETRY &&
		 (status->class != STATUS_RETRY || status->exit_code == EXIT_CODE_FENCED)))
		publisher->failure = *status;
	pthread_mutex_unlock(&publisher->lock);
	if (publisher->transaction != NULL)
		kafka_transaction_doubt(publisher->transaction);
}

Status
publisher_get_failure(Publisher *publisher)
{
	pthread_mutex_lock(&publisher->lock);

	Status status = publisher->failure;

	pthread_mutex_unlock(&publisher->lock);
	return status;
}

bool
publisher_is_cut_off(const Publisher *publisher)
{
	return atomic_load(&publisher->cut_off);
}

static void
error_observe(rd_kafka_t *handle, rd_kafka_resp_err_t code, const char *reason, void *context)
{
	Publisher *publisher = context;

	if (publisher->transaction != NULL && code != RD_KAFKA_RESP_ERR__FATAL)
		kafka_transaction_trouble(publisher->transaction);
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		atomic_store(&publisher->cut_off, true);
	/* The refused record's own report says why. */
	else if (code == RD_KAFKA_RESP_ERR__FATAL &&
			 rd_kafka_fatal_error(handle, NULL, 0) != RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE)
	{
		Status status = publisher_handle_fatal(handle);

		failure_set(publisher, &status);
	}
	(void) reason;
}

static Status
repartition_status(const Publisher *publisher)
{
	if (publisher->accept_repartition)
		return status_retry("topic \"%s\" had %d partitions and has %d now, which is accepted",
							rd_kafka_topic_name(publisher->events), publisher->partition_count,
							atomic_load(&publisher->partition_count_seen));
	return status_fatal(EXIT_CODE_CONFIGURATION,
						"topic \"%s\" had %d partitions and has %d now, so a wallet's later events "
						"would go to another partition than its earlier ones; let the consumers "
						"finish, then accept with --accept-repartition",
						rd_kafka_topic_name(publisher->events), publisher->partition_count,
						atomic_load(&publisher->partition_count_seen));
}

/* Not delivered. An event that was too large is judged again, by new limits, before it is sent. */
static Status
delivery_status(const Publisher *publisher, const rd_kafka_message_t *message)
{
	char name[320];
	bool judged_again =
		message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && message->rkt == publisher->events;

	event_name_write(message, name, sizeof(name));
	if (judged_again || message->err == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE ||
		message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
		message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return status_retry("%s: %s", name, rd_kafka_err2str(message->err));
	if (message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION &&
		atomic_load(&publisher->partition_count_seen) != 0)
		return repartition_status(publisher);

	Status status = kafka_code_classify(message->err, name, NULL);

	if (kafka_code_is_data_error(message->err))
		status = status_fatal(EXIT_CODE_CONFIGURATION, "Kafka refuses %s of %zu bytes: %s", name,
							  message->len, rd_kafka_err2str(message->err));
	return status;
}

/* Every event begins with its id: a place in the topic that can be found again. */
static void
mark_set(Publisher *publisher, const rd_kafka_message_t *message)
{
	static const char begin[] = "{\"event_id\":\"";
	const size_t begin_bytes = sizeof(begin) - 1;
	const char *payload = message->payload;

	if (message->rkt != publisher->events || message->offset < 0 ||
		message->len < begin_bytes + WALLET_UUID_TEXT_BYTES ||
		memcmp(payload, begin, begin_bytes) != 0)
		return;
	publisher->mark.partition = message->partition;
	publisher->mark.offset = message->offset;
	memcpy(publisher->mark.event_id, payload + begin_bytes, WALLET_UUID_TEXT_BYTES);
}

TopicMark
publisher_get_mark(const Publisher *publisher)
{
	return publisher->mark;
}

int
publisher_get_partition(const Publisher *publisher, const char *wallet_id, int partition_count)
{
	return rd_kafka_msg_partitioner_murmur2_random(publisher->events, wallet_id,
												   WALLET_UUID_TEXT_BYTES, partition_count, NULL,
												   NULL);
}

/* Reported at once, or with the rest of its transaction. */
static void
delivered_report(Publisher *publisher, uint64_t ticket, uint64_t bytes)
{
	if (publisher->transaction == NULL)
		publisher->report(publisher->context, ticket, bytes, NULL);
	else if (!kafka_transaction_ack(publisher->transaction, ticket, bytes))
	{
		Status status = status_bug("out of memory");

		failure_set(publisher, &status);
	}
}

static void
delivery_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	KafkaObserver *observer = opaque;
	Publisher *publisher = observer->context;
	uint64_t ticket = (uint64_t) (uintptr_t) message->_private;
	uint64_t bytes = publisher_event_bytes(message->len);

	(void) handle;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		atomic_store_explicit(&publisher->cut_off, false, memory_order_relaxed);
		mark_set(publisher, message);
		delivered_report(publisher, ticket, bytes);
		return;
	}

	Status status = delivery_status(publisher, message);

	failure_set(publisher, &status);
	publisher->report(publisher->context, ticket, bytes, &status);
}

static int32_t
partition_choose(const rd_kafka_topic_t *topic, const void *key, size_t key_bytes,
				 int32_t partition_count, void *topic_opaque, void *message_opaque)
{
	Publisher *publisher = topic_opaque;

	if (partition_count != publisher->partition_count)
	{
		atomic_store(&publisher->partition_count_seen, partition_count);
		return PARTITION_REFUSED;
	}
	return rd_kafka_msg_partitioner_murmur2_random(topic, key, key_bytes, partition_count,
												   topic_opaque, message_opaque);
}

/* Opens a topic for producing; NULL name: none. */
static Status
topic_open(Publisher *publisher, const char *name, bool partitioned, rd_kafka_topic_t **topic)
{
	if (name == NULL)
		return status_ok();

	rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(publisher->handle);

	if (partitioned)
	{
		rd_kafka_topic_conf_set_partitioner_cb(conf, partition_choose);
		rd_kafka_topic_conf_set_opaque(conf, publisher);
	}
	*topic = rd_kafka_topic_new(publisher->handle, name, conf); /* takes conf over on success */
	if (*topic != NULL)
		return status_ok();
	rd_kafka_topic_conf_destroy(conf);
	return status_fatal(EXIT_CODE_CONFIGURATION, "topic \"%s\": %s", name,
						rd_kafka_err2str(rd_kafka_last_error()));
}

Status
publisher_open(const PublisherPlan *plan, Publisher **publisher)
{
	Publisher *opened = calloc(1, sizeof(*opened));

	*publisher = NULL;
	if (opened == NULL)
		return status_bug("out of memory");
	pthread_mutex_init(&opened->lock, NULL);
	opened->failure = status_ok();
	opened->source = plan->source;
	opened->partition_count = plan->partition_count;
	opened->message_bytes_max = plan->message_bytes_max;
	opened->accept_repartition = plan->accept_repartition;

	opened->observer = (KafkaObserver){.error = error_observe, .context = opened};

	Status status =
		publisher_handle_open(plan, &opened->observer, delivery_report, &opened->handle);

	if (status_is_ok(&status) && plan->transactional_id != NULL)
	{
		opened->transaction = kafka_transaction_new(opened->handle);
		if (opened->transaction == NULL)
			status = status_bug("out of memory");
	}
	if (status_is_ok(&status))
	{
		opened->main_queue = rd_kafka_queue_get_main(opened->handle);
		status = topic_open(opened, plan->kafka->topic, true, &opened->events);
	}
	if (status_is_ok(&status))
		status = topic_open(opened, plan->progress_topic, false, &opened->progress);
	if (status_is_ok(&status))
		status = topic_open(opened, plan->dead_letter_topic, false, &opened->dead_letters);
	if (!status_is_ok(&status))
		publisher_close(&opened);
	*publisher = opened;
	return status;
}

void
publisher_close(Publisher **publisher)
{
	Publisher *closed = *publisher;

	*publisher = NULL;
	if (closed == NULL)
		return;
	kafka_transaction_free(closed->transaction);
	closed->transaction = NULL;
	if (closed->handle != NULL)
	{
		rd_kafka_purge(closed->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(closed->handle, CLOSE_FLUSH_MS);
		if (closed->events != NULL)
			rd_kafka_topic_destroy(closed->events);
		if (closed->progress != NULL)
			rd_kafka_topic_destroy(closed->progress);
		if (closed->dead_letters != NULL)
			rd_kafka_topic_destroy(closed->dead_letters);
		if (closed->main_queue != NULL)
			rd_kafka_queue_destroy(closed->main_queue);
		rd_kafka_destroy(closed->handle);
	}
	pthread_mutex_destroy(&closed->lock);
	free(closed);
}

uint64_t
publisher_event_bytes(size_t json_bytes)
{
	return json_bytes + EVENT_OVERHEAD_BYTES;
}

typedef struct Record
{
	rd_kafka_topic_t *topic;
	int32_t partition;
	const char *key; /* NULL: none */
	size_t key_bytes;
	const char *value;
	size_t value_bytes;
	rd_kafka_headers_t *headers; /* taken over, also on failure; or NULL */
	int64_t timestamp_ms;		 /* 0: now */
	uint64_t ticket;
} Record;

/* rd_kafka_produceva takes void pointers and only reads what they point to, under MSG_F_COPY. */
static void *
pointer_lend(const void *pointer)
{
	return (void *) (uintptr_t) pointer;
}

static PublishResult
produce_judge(Publisher *publisher, rd_kafka_resp_err_t code)
{
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return PUBLISH_SENT;
	if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return PUBLISH_FULL;
	if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return PUBLISH_TOO_LARGE;

	Status status = kafka_code_classify(code, "could not hand a record to Kafka", NULL);
	bool committed;

	/* The library gave the transaction up already, and its own words are on the way. */
	if (publisher->transaction != NULL)
		(void) transaction_judge(code, rd_kafka_err2str(code), false, &committed, &status);
	if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
		status = repartition_status(publisher);
	/* Met before the thread that polls has been told. */
	if (code == RD_KAFKA_RESP_ERR__FATAL)
		status = publisher_handle_fatal(publisher->handle);
	failure_set(publisher, &status);
	return PUBLISH_FAILED;
}

static rd_kafka_resp_err_t
record_produce(Publisher *publisher, const Record *record)
{
	const rd_kafka_vu_t values[] = {
		{.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = record->topic},
		{.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
		{.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
		{.vtype = RD_KAFKA_VTYPE_KEY,
		 .u.mem = {.ptr = pointer_lend(record->key), .size = record->key_bytes}},
		{.vtype = RD_KAFKA_VTYPE_VALUE,
		 .u.mem = {.ptr = pointer_lend(record->value), .size = record->value_bytes}},
		{.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *) (uintptr_t) record->ticket},
		{.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms},
		{.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = record->headers},
	};
	size_t count = sizeof(values) / sizeof(values[0]) - (record->headers == NULL);
	rd_kafka_error_t *error = rd_kafka_produceva(publisher->handle, values, count);

	rd_kafka_resp_err_t code = rd_kafka_error_code(error);

	if (error != NULL)
		rd_kafka_error_destroy(error);
	return code;
}

/* In transactional delivery within the open transaction, which it begins. */
static PublishResult
record_send(Publisher *publisher, const Record *record)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__QUEUE_FULL;
	TransactionEntry entry = TRANSACTION_ENTERED;
	Status status = status_ok();

	if (publisher->transaction != NULL)
		entry = kafka_transaction_enter(publisher->transaction, &status);
	if (entry == TRANSACTION_ENTERED)
		code = record_produce(publisher, record);
	if (entry == TRANSACTION_ENTERED && publisher->transaction != NULL)
		kafka_transaction_leave(publisher->transaction, code == RD_KAFKA_RESP_ERR_NO_ERROR);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR && record->headers != NULL)
		rd_kafka_headers_destroy(record->headers);
	if (entry != TRANSACTION_FAILED)
		return produce_judge(publisher, code);
	failure_set(publisher, &status);
	return PUBLISH_FAILED;
}

PublishResult
publisher_send(Publisher *publisher, const PublisherEvent *event)
{
	return record_send(publisher, &(Record){
									  .topic = publisher->events,
									  .partition = RD_KAFKA_PARTITION_UA,
									  .key = event->wallet_id,
									  .key_bytes = WALLET_UUID_TEXT_BYTES,
									  .value = event->json,
									  .value_bytes = event->json_bytes,
									  .headers = event_headers_make(event, publisher->source),
									  .timestamp_ms = event_timestamp_ms(event->timestamp),
									  .ticket = event->ticket,
								  });
}

uint64_t
publisher_dead_letter_bytes(const PublisherEvent *event)
{
	char text[EVENT_DEAD_LETTER_BYTES];

	return publisher_event_bytes(event_dead_letter_write(event, text));
}

PublishResult
publisher_send_dead_letter(Publisher *publisher, const PublisherEvent *event, const char *reason)
{
	char value[EVENT_DEAD_LETTER_BYTES];
	size_t bytes = event_dead_letter_write(event, value);
	rd_kafka_headers_t *headers = event_headers_make(event, publisher->source);

	rd_kafka_header_add(headers, "__connect.errors.topic", -1,
						rd_kafka_topic_name(publisher->events), -1);
	rd_kafka_header_add(headers, "__connect.errors.exception.message", -1, reason, -1);

	PublishResult result = record_send(publisher, &(Record){
													  .topic = publisher->dead_letters,
													  .partition = RD_KAFKA_PARTITION_UA,
													  .key = event->wallet_id,
													  .key_bytes = WALLET_UUID_TEXT_BYTES,
													  .value = value,
													  .value_bytes = bytes,
													  .headers = headers,
													  .ticket = event->ticket,
												  });

	if (result == PUBLISH_SENT)
	{
		char id[WALLET_UUID_TEXT_BYTES + 1];

		snprintf(id, sizeof(id), "%.*s", WALLET_UUID_TEXT_BYTES, event->event_id);
		log_error("event sent to the dead letters", log_text("event_id", id),
				  log_text("reason", reason));
	}
	return result;
}

void
publisher_size_explain(const Publisher *publisher, const PublisherEvent *event, char *text,
					   size_t bytes)
{
	snprintf(text, bytes,
			 "it is larger than the topic accepts: %zu bytes, and headers and batch take up to %d, "
			 "of a max.message.bytes of %lld",
			 event->json_bytes, BATCH_OVERHEAD_BYTES, (long long) publisher->message_bytes_max);
}

PublishResult
publisher_send_progress(Publisher *publisher, uint64_t ticket, const char *key, const char *value)
{
	PublishResult result = record_send(publisher, &(Record){
													  .topic = publisher->progress,
													  .partition = 0,
													  .key = key,
													  .key_bytes = strlen(key),
													  .value = value,
													  .value_bytes = strlen(value),
													  .ticket = ticket,
												  });

	if (result == PUBLISH_SENT)
	{
		publisher_commit(publisher);
		publisher->closes_with_record = true;
		publisher->closing_ticket = ticket;
	}
	return result;
}

void
publisher_commit(Publisher *publisher)
{
	publisher->closes_with_record = false;
	if (publisher->transaction != NULL)
		kafka_transaction_close(publisher->transaction);
}

/* What a committed transaction had in it; the record that says so last. */
static void
transaction_report(Publisher *publisher)
{
	size_t count;
	const TransactionAck *acks = kafka_transaction_take_acks(publisher->transaction, &count);

	for (size_t i = 0; i < count; i++)
		if (!publisher->closes_with_record || acks[i].ticket != publisher->closing_ticket)
			publisher->report(publisher->context, acks[i].ticket, acks[i].bytes, NULL);
	if (publisher->closes_with_record)
		publisher->report(publisher->context, publisher->closing_ticket, 0, NULL);
}

void
publisher_poll(Publisher *publisher, int timeout_ms)
{
	bool committed = false;

	if (atomic_exchange(&publisher->hurries, false))
		rd_kafka_flush(publisher->handle, LINGER_MS);
	else
		rd_kafka_poll(publisher->handle, timeout_ms);
	if (publisher->transaction == NULL)
		return;

	Status status = kafka_transaction_finish(publisher->transaction, &committed);

	if (committed)
		transaction_report(publisher);
	if (!status_is_ok(&status))
		failure_set(publisher, &status);
}

Status
publisher_fence(Publisher *publisher, const Wait *wait)
{
	return publisher->transaction != NULL ? kafka_transaction_fence(publisher->transaction, wait)
										  : status_ok();
}

bool
publisher_has_uncommitted(const Publisher *publisher)
{
	return publisher->transaction != NULL && kafka_transaction_is_open(publisher->transaction);
}

bool
publisher_takes_records(const Publisher *publisher)
{
	return publisher->transaction == NULL || kafka_transaction_is_free(publisher->transaction);
}

void
publisher_set_report(Publisher *publisher, PublisherReport report, void *context)
{
	publisher->report = report;
	publisher->context = context;
}

void
publisher_wake(Publisher *publisher)
{
	rd_kafka_queue_yield(publisher->main_queue);
}

void
publisher_hurry(Publisher *publisher)
{
	atomic_store(&publisher->hurries, true);
	publisher_wake(publisher);
}
