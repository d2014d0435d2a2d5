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

/* The value of one setting of a topic, cut to bytes; "" when the broker does not tell it. */
Status kafka_topic_setting_get(rd_kafka_t *handle, const char *topic, const char *setting,
							   const Wait *wait, char *value, size_t bytes);
