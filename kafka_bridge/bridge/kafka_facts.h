/*
 * kafka_facts.h
 *		What Kafka says about the recorded position and the event topic before streaming starts.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "progress.h"
#include "startup_check.h"
#include "base/status.h"
#include "topic.h"
#include "topic_identity.h"
#include "base/wait.h"

/* When a missing event topic may be made. */
typedef enum TopicMaking
{
	TOPIC_MAKE_NEVER,
	TOPIC_MAKE_FIRST,  /* only where no position was ever recorded: then nothing was in it */
	TOPIC_MAKE_ALWAYS, /* somebody asked for it by hand */
} TopicMaking;

typedef struct KafkaQuestion
{
	rd_kafka_t *reader; /* of topic_reader_open */
	const BridgeConfig *config;
	const ProgressKey *key;
	const char *source; /* ce_source */
	const SlotFacts *slot;
	TopicMaking making;
	bool passes_open; /* no wait for the end of open Kafka transactions */
} KafkaQuestion;

typedef struct KafkaFacts
{
	ProgressFound found;
	TopicFacts topic;
	TopicState state;
	TopicTail tail; /* "" as foreign_source too where the topic is meant to be shared */
	bool left_out;	/* what an open transaction kept back: nothing is sure then */
} KafkaFacts;

/* Sees to the progress topic and asks; kafka_facts_free in any case. */
Status kafka_facts_gather(const KafkaQuestion *question, const Wait *wait, KafkaFacts *facts);
void kafka_facts_free(KafkaFacts *facts);

/* Later than what was seen in the topic, also where this machine's clock is behind. */
int64_t kafka_facts_now_ms(const KafkaFacts *facts);

/* The next record, but for the position: its generation, and what it says of the topic now. */
ProgressRecord kafka_facts_record(const KafkaFacts *facts, const char *topic, uint32_t timeline);
