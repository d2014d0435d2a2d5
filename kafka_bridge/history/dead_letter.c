/*
 * dead_letter.c
 *		An idempotent producer of its own; headers as Kafka Connect names them, so that tools for
 *		its dead letters work here too.
 */
#include "dead_letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/topic.h"

#define HEADER_PREFIX	"__connect.errors."
#define POLL_SLICE_MS	100
#define CONNECTOR_CLASS "wallet_history"

struct DeadLetter
{
	const DeadLetterOptions *options;
	KafkaObserver observer;
	rd_kafka_t *handle; /* NULL: not connected yet */
	bool topic_ready;
	size_t in_flight;
	Status failure; /* of the current send: the first delivery that failed */
};

DeadLetter *
dead_letter_new(const DeadLetterOptions *options)
{
	DeadLetter *dead_letter = calloc(1, sizeof(*dead_letter));

	if (dead_letter == NULL)
		return NULL;
	dead_letter->options = options;
	dead_letter->observer.context = dead_letter;
	return dead_letter;
}

static void
producer_drop(DeadLetter *dead_letter)
{
	if (dead_letter->handle == NULL)
		return;
	/* Delivery reports that are still owed point into a batch that may be gone. */
	rd_kafka_purge(dead_letter->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	while (dead_letter->in_flight > 0)
		rd_kafka_poll(dead_letter->handle, POLL_SLICE_MS);
	rd_kafka_destroy(dead_letter->handle);
	dead_letter->handle = NULL;
}

void
dead_letter_free(DeadLetter *dead_letter)
{
	if (dead_letter == NULL)
		return;
	producer_drop(dead_letter);
	free(dead_letter);
}

static void
delivery_note(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	KafkaObserver *observer = opaque;
	DeadLetter *dead_letter = observer->context;
	BatchFault *fault = message->_private;

	(void) handle;
	dead_letter->in_flight--;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		fault->delivered = true;
	else if (status_is_ok(&dead_letter->failure))
		dead_letter->failure = kafka_code_classify(message->err, "cannot send a dead letter", NULL);
}

static Status
producer_ensure(DeadLetter *dead_letter)
{
	static const KafkaSetting defaults[] = {{"client.id", "wallet_history"},
											{"linger.ms", "0"},
											{NULL, NULL}};
	static const KafkaSetting forced[] = {
		{"enable.idempotence", "true"},
		{"acks", "all"},
		{"partitioner", "murmur2_random"},
		{"message.timeout.ms", "20000"},
		/* The brokers' limits count: the record came from there. */
		{"message.max.bytes", "1000000000"},
		{NULL, NULL},
	};
	rd_kafka_conf_t *conf = NULL;

	if (dead_letter->handle != NULL)
		return status_ok();

	Status status = kafka_conf_new(dead_letter->options->kafka, defaults, forced,
								   &dead_letter->observer, &conf);

	if (!status_is_ok(&status))
		return status;
	rd_kafka_conf_set_dr_msg_cb(conf, delivery_note);
	return kafka_handle_new(RD_KAFKA_PRODUCER, conf, &dead_letter->handle);
}

static Status
topic_ensure(DeadLetter *dead_letter, const Wait *wait)
{
	static const KafkaSetting settings[] = {{"cleanup.policy", "delete"},
											{"retention.ms", "-1"},
											{"message.timestamp.type", "LogAppendTime"},
											{NULL, NULL}};
	KafkaTopicPlan plan = {.name = dead_letter->options->topic,
						   .partition_count = 1,
						   .replication_factor = -1,
						   .settings = settings};
	int partition_count = 0;

	if (dead_letter->topic_ready)
		return status_ok();

	Status status =
		kafka_topic_partition_count(dead_letter->handle, plan.name, wait, &partition_count);

	if (status_is_ok(&status) && partition_count == 0)
		status = kafka_topic_create(dead_letter->handle, &plan, wait, NULL);
	dead_letter->topic_ready = status_is_ok(&status);
	return status;
}

static void
header_add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
	char full_name[64];

	snprintf(full_name, sizeof(full_name), HEADER_PREFIX "%s", name);
	rd_kafka_header_add(headers, full_name, -1, value, -1);
}

static rd_kafka_headers_t *
headers_make(const DeadLetter *dead_letter, const BatchRecord *record)
{
	rd_kafka_headers_t *original = NULL;
	rd_kafka_headers_t *headers;
	char number[32];

	if (rd_kafka_message_headers(record->handle, &original) == RD_KAFKA_RESP_ERR_NO_ERROR)
		headers = rd_kafka_headers_copy(original);
	else
		headers = rd_kafka_headers_new(8);
	header_add(headers, "topic", dead_letter->options->kafka->topic);
	snprintf(number, sizeof(number), "%d", (int) record->partition);
	header_add(headers, "partition", number);
	snprintf(number, sizeof(number), "%lld", (long long) record->offset);
	header_add(headers, "offset", number);
	header_add(headers, "connector.name", dead_letter->options->group);
	header_add(headers, "task.id", "0");
	header_add(headers, "stage", record->fault->by_postgres ? "TASK_PUT" : "VALUE_CONVERTER");
	header_add(headers, "class.name", CONNECTOR_CLASS);
	header_add(headers, "exception.class.name", record->fault->name);
	header_add(headers, "exception.message", record->fault->reason);
	return headers;
}

static Status
record_produce(DeadLetter *dead_letter, BatchRecord *record, const Wait *wait)
{
	rd_kafka_message_t *message = record->handle;
	rd_kafka_timestamp_type_t timestamp_type;
	int64_t timestamp = rd_kafka_message_timestamp(message, &timestamp_type);
	rd_kafka_headers_t *headers = headers_make(dead_letter, record);
	rd_kafka_resp_err_t code;

	for (;;)
	{
		code = rd_kafka_producev(dead_letter->handle, RD_KAFKA_V_TOPIC(dead_letter->options->topic),
								 RD_KAFKA_V_KEY(message->key, message->key_len),
								 RD_KAFKA_V_VALUE(message->payload, message->len),
								 RD_KAFKA_V_HEADERS(headers),
								 RD_KAFKA_V_TIMESTAMP(timestamp > 0 ? timestamp : 0),
								 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
								 RD_KAFKA_V_OPAQUE(record->fault), RD_KAFKA_V_END);
		if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || wait_remaining_ms(wait) == 0)
			break;
		rd_kafka_poll(dead_letter->handle, POLL_SLICE_MS);
	}
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		dead_letter->in_flight++;
		return status_ok();
	}
	/* Only a message that was taken owns its headers. */
	rd_kafka_headers_destroy(headers);
	return kafka_code_classify(code, "cannot send a dead letter", NULL);
}

static Status
deliveries_wait(DeadLetter *dead_letter, const Wait *wait)
{
	while (dead_letter->in_flight > 0)
	{
		if (wait_remaining_ms(wait) == 0)
			return wait_status(WAIT_TIMED_OUT, "waiting for dead letters to be acknowledged");
		rd_kafka_poll(dead_letter->handle, wait_slice_ms(wait, POLL_SLICE_MS));
	}
	return dead_letter->failure;
}

Status
dead_letter_send(DeadLetter *dead_letter, Batch *batch, const Wait *wait, size_t *sent)
{
	Status status = status_ok();

	*sent = 0;
	dead_letter->failure = status_ok();
	for (size_t i = 0; i < batch->count && status_is_ok(&status); i++)
	{
		BatchRecord *record = &batch->records[i];

		if (record->fault == NULL || record->fault->delivered)
			continue;
		status = producer_ensure(dead_letter);
		if (status_is_ok(&status))
			status = topic_ensure(dead_letter, wait);
		if (status_is_ok(&status))
			status = record_produce(dead_letter, record, wait);
		*sent += status_is_ok(&status) ? 1 : 0;
	}
	if (status_is_ok(&status))
		status = deliveries_wait(dead_letter, wait);
	if (!status_is_ok(&status))
		producer_drop(dead_letter);
	return status;
}
