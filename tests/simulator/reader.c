/*
 * reader.c
 *		The reading side of librdkafka: the simple consumer, with queues over several partitions.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "scheduler.h"

#define PAUSE_US 3000

/* One that is read, in the queue of whoever reads it. */
typedef struct Reading
{
	struct Reading *next;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue; /* NULL: by itself */
	int partition;
	int64_t offset;
	bool told_end; /* at this offset */
} Reading;

struct rd_kafka_queue_s
{
	Reading *readings;
};

static Reading *alone; /* readings without a queue, of all processes */

void
readers_begin(void)
{
	alone = NULL;
}

rd_kafka_queue_t *
rd_kafka_queue_new(rd_kafka_t *handle)
{
	(void) handle;
	return calloc(1, sizeof(rd_kafka_queue_t));
}

void
rd_kafka_queue_destroy(rd_kafka_queue_t *queue)
{
	(void) queue;
}

static Reading *
reading_start(rd_kafka_topic_t *topic, int32_t partition, int64_t offset)
{
	Reading *reading = calloc(1, sizeof(*reading));
	int64_t end = topic->topic->partitions[partition].count;

	if (offset == RD_KAFKA_OFFSET_BEGINNING)
		offset = 0;
	else if (offset == RD_KAFKA_OFFSET_END)
		offset = end;
	else if (offset <= RD_KAFKA_OFFSET_TAIL_BASE)
		offset = end - (RD_KAFKA_OFFSET_TAIL_BASE - offset) > 0
					 ? end - (RD_KAFKA_OFFSET_TAIL_BASE - offset)
					 : 0;
	reading->topic = topic;
	reading->partition = partition;
	reading->offset = offset;
	return reading;
}

int
rd_kafka_consume_start_queue(rd_kafka_topic_t *topic, int32_t partition, int64_t offset,
							 rd_kafka_queue_t *queue)
{
	Reading *reading = reading_start(topic, partition, offset);

	reading->next = queue->readings;
	queue->readings = reading;
	return 0;
}

int
rd_kafka_consume_start(rd_kafka_topic_t *topic, int32_t partition, int64_t offset)
{
	Reading *reading = reading_start(topic, partition, offset);

	reading->next = alone;
	alone = reading;
	return 0;
}

int
rd_kafka_consume_stop(rd_kafka_topic_t *topic, int32_t partition)
{
	(void) topic;
	(void) partition;
	return 0;
}

static rd_kafka_message_t *
message_make(Reading *reading, Record *record)
{
	Read *read = calloc(1, sizeof(*read));

	read->record = record;
	read->message = (rd_kafka_message_t){.rkt = reading->topic,
										 .partition = reading->partition,
										 .offset = reading->offset,
										 .err = RD_KAFKA_RESP_ERR__PARTITION_EOF};
	if (record == NULL)
		return &read->message;
	read->message.err = RD_KAFKA_RESP_ERR_NO_ERROR;
	read->message.payload = record->value;
	read->message.len = record->value_bytes;
	read->message.key = record->key;
	read->message.key_len = record->key_bytes;
	return &read->message;
}

static rd_kafka_message_t *
reading_next(Reading *reading)
{
	Partition *log = &reading->topic->topic->partitions[reading->partition];

	if (reading->offset < log->count)
	{
		rd_kafka_message_t *message = message_make(reading, log->records[reading->offset]);

		reading->offset++;
		reading->told_end = false;
		return message;
	}
	if (reading->told_end)
		return NULL;
	reading->told_end = true;
	return message_make(reading, NULL);
}

static bool
has_record(void *context)
{
	(void) context;
	return false;
}

/* Fetches take their time, and a broker that is down answers none. */
static bool
fetch(int timeout_ms)
{
	int64_t pause_us = timeout_ms * 1000LL;

	if (broker_is_up() && !once_in(3))
		return true;
	if (broker_is_up() && pause_us > PAUSE_US)
		pause_us = PAUSE_US;
	thread_wait(has_record, NULL, now_us() + pause_us);
	return broker_is_up();
}

rd_kafka_message_t *
rd_kafka_consume_queue(rd_kafka_queue_t *queue, int timeout_ms)
{
	rd_kafka_message_t *message = NULL;
	uint64_t count = 0;
	uint64_t chosen;

	if (!fetch(timeout_ms))
		return NULL;
	for (Reading *reading = queue->readings; reading != NULL; reading = reading->next)
		count++;
	chosen = count > 0 ? chance(count) : 0;
	for (Reading *reading = queue->readings; reading != NULL; reading = reading->next)
		if (chosen-- == 0)
			message = reading_next(reading);
	for (Reading *reading = queue->readings; reading != NULL && message == NULL;
		 reading = reading->next)
		message = reading_next(reading);
	if (message == NULL)
		thread_wait(has_record, NULL, now_us() + timeout_ms * 1000LL);
	return message;
}

rd_kafka_message_t *
rd_kafka_consume(rd_kafka_topic_t *topic, int32_t partition, int timeout_ms)
{
	if (!fetch(timeout_ms))
		return NULL;
	for (Reading *reading = alone; reading != NULL; reading = reading->next)
		if (reading->topic == topic && reading->partition == partition)
			return reading_next(reading);
	return NULL;
}

void
rd_kafka_message_destroy(rd_kafka_message_t *message)
{
	free(message);
}

rd_kafka_resp_err_t
rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers)
{
	const Read *read = (const Read *) message;

	*headers = read->record != NULL ? read->record->headers : NULL;
	return *headers != NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__NOENT;
}

int64_t
rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type)
{
	*type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
	return ((const Read *) message)->record->timestamp_ms;
}

rd_kafka_resp_err_t
rd_kafka_get_watermark_offsets(rd_kafka_t *handle, const char *topic, int32_t partition,
							   int64_t *low, int64_t *high)
{
	(void) handle;
	*low = 0;
	*high = broker_find(topic)->partitions[partition].count;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t
rd_kafka_query_watermark_offsets(rd_kafka_t *handle, const char *topic, int32_t partition,
								 int64_t *low, int64_t *high, int timeout_ms)
{
	if (!client_ask(timeout_ms))
		return RD_KAFKA_RESP_ERR__TIMED_OUT;
	return rd_kafka_get_watermark_offsets(handle, topic, partition, low, high);
}
