/*
 * topic.h
 *		The bridge's topics: made where they are missing, judged where they exist.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "options.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct TopicFacts
{
	int partition_count;	   /* of the event topic */
	int64_t message_bytes_max; /* what the event topic takes in one batch */
} TopicFacts;

/*
 * Sees to the event topic, the progress topic and, if asked for, the dead letter topic. Warns where
 * an existing one would lose records. Any handle of the cluster will do.
 */
Status topic_prepare(rd_kafka_t *handle, const BridgeConfig *config, const Wait *wait,
					 TopicFacts *facts);
