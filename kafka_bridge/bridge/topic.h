/*
 * topic.h
 *		The bridge's topics: made where they are missing, judged where they exist.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "kafka/topic.h"
#include "options.h"
#include "base/status.h"
#include "base/wait.h"

/* What an event topic should not have. */
typedef enum TopicProblem
{
	TOPIC_PROBLEM_COMPACTION,
	TOPIC_PROBLEM_RETENTION,
	TOPIC_PROBLEM_TIMESTAMPS,
	TOPIC_PROBLEM_FOREIGN, /* not a setting: events of another source */
	TOPIC_PROBLEM_COUNT
} TopicProblem;

typedef struct TopicSurvey
{
	int64_t message_bytes_max; /* what the event topic takes in one batch */
	bool problems[TOPIC_PROBLEM_COUNT];
} TopicSurvey;

typedef struct TopicFacts
{
	int partition_count;		   /* of the event topic; 0: it does not exist */
	char id[KAFKA_TOPIC_ID_BYTES]; /* "" where it can't be told */
	TopicSurvey survey;
} TopicFacts;

/* Sees to the progress topic. Any handle of the cluster will do, here and below. */
Status topic_progress_prepare(rd_kafka_t *handle, const BridgeOptions *options, const Wait *wait);

/*
 * Sees to the event topic and, if asked for, the dead letter topic. An event topic that is missing
 * is made where it may be, else it is found missing.
 */
Status topic_prepare(rd_kafka_t *handle, const BridgeConfig *config, bool may_create,
					 const Wait *wait, TopicFacts *facts);

/* The event topic as it is now, nothing made and nothing judged. */
Status topic_find(rd_kafka_t *handle, const char *topic, const Wait *wait, TopicFacts *facts);

/* Its settings alone. */
Status topic_survey(rd_kafka_t *handle, const char *topic, const Wait *wait, TopicSurvey *survey);

/* What a problem means, for people; a warning for each that there is. */
const char *topic_problem_text(TopicProblem problem);
void topic_problems_log(const char *topic, const TopicSurvey *survey);
