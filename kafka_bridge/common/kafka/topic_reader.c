/*
 * topic_reader.c
 *		Reads a topic from its beginning to its end as of now, without a consumer group.
 *
 * librdkafka's simple consumer: no group, so no rights on groups and nothing left behind.
 */
#include "kafka/topic_reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kafka/error.h"
#include "observe/log.h"

#define SLICE_MS		   100
#define OFFSETS_TIMEOUT_MS 2000
#define CLOSE_TIMEOUT_S	   10

Status
topic_reader_open(const KafkaOptions *options, KafkaObserver *observer, rd_kafka_t **handle)
{
	const KafkaSetting forced[] = {
		{"enable.partition.eof", "true"},
		{"isolation.level", "read_committed"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		/* Retention may have taken the offset that is asked for: what is left counts. */
		{"auto.offset.reset", "earliest"},
		{"check.crcs", "true"},
		{"fetch.wait.max.ms", "50"},
		{NULL, NULL},
	};
	rd_kafka_conf_t *conf = NULL;
	Status status = kafka_conf_new(options, NULL, forced, observer, &conf);

	*handle = NULL;
	if (!status_is_ok(&status))
		return status;
	return kafka_handle_new(RD_KAFKA_CONSUMER, conf, handle);
}

static void *
handle_destroy(void *handle)
{
	rd_kafka_destroy(handle);
	return NULL;
}

/*
 * Some versions of the library never end a handle whose topic was deleted while it was being read:
 * such a one is left behind, as whoever found that out has to go on.
 */
void
topic_reader_close(rd_kafka_t **handle)
{
	rd_kafka_t *closed = *handle;
	struct timespec deadline;
	pthread_t thread;

	*handle = NULL;
	if (closed == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += CLOSE_TIMEOUT_S;
	if (pthread_create(&thread, NULL, handle_destroy, closed) != 0)
		rd_kafka_destroy(closed);
	else if (pthread_timedjoin_np(thread, NULL, &deadline) != 0)
	{
		pthread_detach(thread);
		log_warning("a Kafka client does not end, and is left behind");
	}
}

/* OK while the wait lasts. */
static Status
wait_goes_on(const Wait *wait)
{
	if (wait_is_stopped(wait->stop_fd))
		return wait_status(WAIT_STOPPED, "reading a topic");
	return wait_remaining_ms(wait) == 0 ? wait_status(WAIT_TIMED_OUT, "reading a topic")
										: status_ok();
}

/* How far one partition is read. */
typedef struct PartitionEnd
{
	int64_t target; /* where it ended when its end was first met; -1: not met yet */
	bool reached;
} PartitionEnd;

/*
 * Where a partition ends of which a record or the end of what is committed was met: an open
 * transaction keeps that before it. As of the broker's latest answer; asks nobody.
 */
static int64_t
partition_end(rd_kafka_t *handle, const char *topic, const rd_kafka_message_t *met)
{
	int64_t next = met->offset + (met->err == RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0);
	int64_t low;
	int64_t high;
	rd_kafka_resp_err_t code =
		rd_kafka_get_watermark_offsets(handle, topic, met->partition, &low, &high);

	return code == RD_KAFKA_RESP_ERR_NO_ERROR && high > next ? high : next;
}

/* What is committed behind an open transaction counts too, unless that is to be left out. */
static void
partition_end_note(rd_kafka_t *handle, const char *topic, const TopicPart *part,
				   const rd_kafka_message_t *met, PartitionEnd *end)
{
	if (end->target < 0)
	{
		bool kept_back;

		end->target = partition_end(handle, topic, met);
		kept_back = met->offset < end->target;
		if (part->left_out != NULL)
		{
			part->left_out[met->partition - part->partition] = kept_back;
			end->target = met->offset;
		}
		else if (kept_back)
			log_info("an open Kafka transaction keeps records back: waiting for its end",
					 log_text("topic", topic), log_integer("partition", met->partition),
					 log_integer("offset", met->offset));
	}
	end->reached = end->reached || met->offset >= end->target;
}

/*
 * Takes records out of the queue until all partitions met their end. One that is written to
 * meanwhile meets it again and again.
 */
static Status
queue_drain(rd_kafka_queue_t *queue, rd_kafka_t *handle, const char *topic, const TopicPart *part,
			PartitionEnd *ends, TopicRecordHandler record_handle, void *context, const Wait *wait)
{
	Status status = status_ok();
	int open = part->partition_count;

	for (int i = 0; i < part->partition_count; i++)
		ends[i] = (PartitionEnd){.target = -1};
	while (open > 0 && status_is_ok(&status))
	{
		rd_kafka_message_t *record = rd_kafka_consume_queue(queue, wait_slice_ms(wait, SLICE_MS));

		if (record == NULL)
		{
			status = wait_goes_on(wait);
			continue;
		}
		if (record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		{
			PartitionEnd *end = &ends[record->partition - part->partition];
			bool was_reached = end->reached;

			partition_end_note(handle, topic, part, record, end);
			open -= end->reached && !was_reached ? 1 : 0;
		}
		else if (record->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			status = kafka_code_classify(record->err, "reading a topic", NULL);
		else
			record_handle(context, record);
		rd_kafka_message_destroy(record);
	}
	return status;
}

Status
topic_read_part(rd_kafka_t *handle, const char *topic, const TopicPart *part,
				TopicRecordHandler record_handle, void *context, const Wait *wait)
{
	int64_t offset =
		part->depth > 0 ? RD_KAFKA_OFFSET_TAIL(part->depth) : RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_topic_t *opened = rd_kafka_topic_new(handle, topic, NULL);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	PartitionEnd *ends = calloc((size_t) part->partition_count, sizeof(*ends));
	Status status = status_ok();
	int started = 0;

	if (opened == NULL || queue == NULL || ends == NULL)
	{
		status = status_bug("could not open topic \"%s\" for reading", topic);
		goto cleanup;
	}
	for (; started < part->partition_count; started++)
		if (rd_kafka_consume_start_queue(opened, part->partition + started, offset, queue) != 0)
		{
			status = kafka_code_classify(rd_kafka_last_error(), "reading a topic", NULL);
			goto cleanup;
		}
	status = queue_drain(queue, handle, topic, part, ends, record_handle, context, wait);
cleanup:
	while (started > 0)
		rd_kafka_consume_stop(opened, part->partition + --started);
	if (queue != NULL)
		rd_kafka_queue_destroy(queue);
	if (opened != NULL)
		rd_kafka_topic_destroy(opened);
	free(ends);
	return status;
}

Status
topic_read(rd_kafka_t *handle, const char *topic, int partition_count,
		   TopicRecordHandler record_handle, void *context, const Wait *wait)
{
	return topic_read_part(handle, topic, &(TopicPart){.partition_count = partition_count},
						   record_handle, context, wait);
}

Status
topic_read_one(rd_kafka_t *handle, const char *topic, int32_t partition, int64_t offset,
			   TopicRecordHandler record_handle, void *context, int64_t *end, const Wait *wait)
{
	rd_kafka_topic_t *opened = rd_kafka_topic_new(handle, topic, NULL);
	Status status = status_ok();
	bool done = false;

	if (opened == NULL)
		return status_bug("could not open topic \"%s\" for reading", topic);
	if (rd_kafka_consume_start(opened, partition, offset) != 0)
	{
		status = kafka_code_classify(rd_kafka_last_error(), "reading a topic", NULL);
		rd_kafka_topic_destroy(opened);
		return status;
	}
	while (!done && status_is_ok(&status))
	{
		rd_kafka_message_t *record =
			rd_kafka_consume(opened, partition, wait_slice_ms(wait, SLICE_MS));

		if (record == NULL)
		{
			status = wait_goes_on(wait);
			continue;
		}
		done = record->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
			   record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (done)
			*end = partition_end(handle, topic, record);
		if (record->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			record_handle(context, record);
		else if (!done)
			status = kafka_code_classify(record->err, "reading a topic", NULL);
		rd_kafka_message_destroy(record);
	}
	rd_kafka_consume_stop(opened, partition);
	rd_kafka_topic_destroy(opened);
	return status;
}

Status
topic_offsets_get(rd_kafka_t *handle, const char *topic, int32_t partition, int64_t *low,
				  int64_t *high, const Wait *wait)
{
	Status status;

	/* A topic that was just made has no leaders for a moment. */
	do
	{
		rd_kafka_resp_err_t code =
			rd_kafka_query_watermark_offsets(handle, topic, partition, low, high,
											 wait_slice_ms(wait, OFFSETS_TIMEOUT_MS));

		status = kafka_code_classify(code, "asking for the end of a topic", NULL);
	} while (status.class == STATUS_RETRY && wait_remaining_ms(wait) != 0 &&
			 wait_pause(wait->stop_fd, SLICE_MS));
	return status;
}

Status
topic_end_offsets_get(rd_kafka_t *handle, const char *topic, int partition_count, int64_t *offsets,
					  const Wait *wait)
{
	Status status = status_ok();
	int64_t low;

	for (int partition = 0; partition < partition_count && status_is_ok(&status); partition++)
		status = topic_offsets_get(handle, topic, partition, &low, &offsets[partition], wait);
	return status;
}

bool
topic_header_read(const rd_kafka_message_t *record, const char *name, char *text, size_t bytes)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t value_bytes;

	if (rd_kafka_message_headers(record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
		rd_kafka_header_get_last(headers, name, &value, &value_bytes) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		value == NULL || value_bytes >= bytes)
		return false;
	memcpy(text, value, value_bytes);
	text[value_bytes] = '\0';
	return true;
}
