/*
 * topic_reader.h
 *		Reads a topic from its beginning to its end as of now, without a consumer group.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/client.h"
#include "base/status.h"
#include "base/wait.h"

/* Called for every record; value and key are NULL where the record has none. */
typedef void (*TopicRecordHandler)(void *context, const rd_kafka_message_t *record);

/* A consumer handle for topic_read, topic_end_offsets_get and questions about topics. */
Status topic_reader_open(const KafkaOptions *options, KafkaObserver *observer, rd_kafka_t **handle);

/* Takes at most a few seconds; NULL is fine, sets to NULL. */
void topic_reader_close(rd_kafka_t **handle);

/*
 * Reads until every partition's end was met, committed records only. While a Kafka transaction is
 * open it waits for its end, so that no record that was committed before the call is left out.
 */
Status topic_read(rd_kafka_t *handle, const char *topic, int partition_count,
				  TopicRecordHandler record_handle, void *context, const Wait *wait);

/* Some partitions, and of each the newest records. */
typedef struct TopicPart
{
	int32_t partition; /* the first one */
	int partition_count;
	int depth;		/* offsets of each that are looked at; 0: all */
	bool *left_out; /* NULL: waits for the end of open transactions; else for none, and by partition
					 * of the part: whether one keeps records back */
} TopicPart;

/* The same of a part, in the order of each partition. */
Status topic_read_part(rd_kafka_t *handle, const char *topic, const TopicPart *part,
					   TopicRecordHandler record_handle, void *context, const Wait *wait);

/*
 * The first record at or after an offset that the partition has; not called where there is none
 * before the wait or the partition ends. *end: the offset of its next record, those of open
 * transactions counted.
 */
Status topic_read_one(rd_kafka_t *handle, const char *topic, int32_t partition, int64_t offset,
					  TopicRecordHandler record_handle, void *context, int64_t *end,
					  const Wait *wait);

/* Where a partition's records begin, and the offset of its next one behind what is committed. */
Status topic_offsets_get(rd_kafka_t *handle, const char *topic, int32_t partition, int64_t *low,
						 int64_t *high, const Wait *wait);

/* The offset of the next record of each partition. */
Status topic_end_offsets_get(rd_kafka_t *handle, const char *topic, int partition_count,
							 int64_t *offsets, const Wait *wait);

/* A header's text; false where there is none, or it is too long, and the text as it was. */
bool topic_header_read(const rd_kafka_message_t *record, const char *name, char *text,
					   size_t bytes);
