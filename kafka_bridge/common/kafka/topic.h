/*
 * topic.h
 *		Questions about topics, and their creation. None of these creates a topic by accident:
 *		existence is asked for without naming the topic to the broker.
 *
 * All block until the wait ends; any handle of the cluster will do.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "kafka/client.h"
#include "base/status.h"
#include "base/wait.h"

/* *partition_count is 0 when there is no such topic. */
Status kafka_topic_partition_count(rd_kafka_t *handle, const char *topic, const Wait *wait,
								   int *partition_count);

/*
 * What Kafka calls the topic beside its name (KIP-516), another one when it is deleted and made
 * anew; "" where this librdkafka (before 2.3) or the broker can't tell.
 */
#define KAFKA_TOPIC_ID_BYTES 32
Status kafka_topic_id_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
						  char id[KAFKA_TOPIC_ID_BYTES]);

typedef struct KafkaTopicPlan
{
	const char *name;
	int partition_count;
	int replication_factor;		  /* -1: the broker's default */
	const KafkaSetting *settings; /* topic configuration (cleanup.policy ...) or NULL */
} KafkaTopicPlan;

/* OK also when it exists already: then *created is false (created may be NULL). */
Status kafka_topic_create(rd_kafka_t *handle, const KafkaTopicPlan *plan, const Wait *wait,
						  bool *created);

typedef struct KafkaTopicValue
{
	const char *setting;
	char text[32]; /* cut; "" when the broker does not tell it */
} KafkaTopicValue;

/* The values of some settings of a topic, asked for at once. */
Status kafka_topic_values_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
							  KafkaTopicValue *values, size_t count);
