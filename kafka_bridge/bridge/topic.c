/*
 * topic.c
 *		The bridge's topics: made where they are missing, judged where they exist.
 *
 * The event topic is the history's source for ever: nothing in it may expire. The progress topic
 * keeps one record per bridge; small segments let compaction keep it short, since it is read from
 * its beginning at every start.
 */
#include "topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "observe/log.h"

#define MESSAGE_BYTES_MAX_DEFAULT 1048588 /* Kafka's own, where the topic's is not told */
#define MESSAGE_BYTES_MAX_LIMIT	  100000000
#define MESSAGE_BYTES_MIN		  2048
#define VISIBLE_POLL_MS			  50
#define ABSENCE_MS				  3000
#define ABSENCE_POLL_MS			  300

static const KafkaSetting event_settings[] = {
	{"cleanup.policy", "delete"},
	{"retention.ms", "-1"},
	{NULL, NULL},
};

/* The broker's own time: a clock of ours that is wrong must not make it refuse these. */
static const KafkaSetting dead_letter_settings[] = {
	{"cleanup.policy", "delete"},
	{"retention.ms", "-1"},
	{"message.timestamp.type", "LogAppendTime"},
	{NULL, NULL},
};

static const KafkaSetting progress_settings[] = {
	{"cleanup.policy", "compact"},		  {"message.timestamp.type", "LogAppendTime"},
	{"segment.bytes", "4194304"},		  {"segment.ms", "3600000"},
	{"min.cleanable.dirty.ratio", "0.1"}, {NULL, NULL},
};

/* Creates it if it is missing, and says how many partitions it has. */
static Status
topic_ensure(rd_kafka_t *handle, const KafkaTopicPlan *plan, const Wait *wait, int *partition_count)
{
	bool created = false;
	Status status = kafka_topic_partition_count(handle, plan->name, wait, partition_count);

	if (!status_is_ok(&status) || *partition_count > 0)
		return status;
	status = kafka_topic_create(handle, plan, wait, &created);
	if (!status_is_ok(&status))
		return status;
	if (created)
		log_info("topic created", log_text("topic", plan->name),
				 log_integer("partitions", plan->partition_count));
	/* Brokers learn of a new topic a moment after its creation was answered. */
	do
		status = kafka_topic_partition_count(handle, plan->name, wait, partition_count);
	while (status_is_ok(&status) && *partition_count == 0 && wait_remaining_ms(wait) != 0 &&
		   wait_pause(wait->stop_fd, VISIBLE_POLL_MS));
	if (status_is_ok(&status) && *partition_count == 0)
		status = status_retry("topic \"%s\" was created and is not to be seen yet", plan->name);
	return status;
}

/* The default is the end of time. */
static bool
timestamp_limit_bites(const char *text)
{
	return text[0] != '\0' && strtoll(text, NULL, 10) < INT64_MAX;
}

/* -1 or untold: no limit. */
static bool
value_limits(const char *text)
{
	return text[0] != '\0' && strcmp(text, "-1") != 0;
}

Status
topic_survey(rd_kafka_t *handle, const char *topic, const Wait *wait, TopicSurvey *survey)
{
	enum
	{
		POLICY,
		RETENTION_MS,
		RETENTION_BYTES,
		MESSAGE_BYTES,
		TIMESTAMP_TYPE,
		TIMESTAMP_BEFORE,
		TIMESTAMP_DIFFERENCE,
		VALUE_COUNT
	};
	KafkaTopicValue values[VALUE_COUNT] = {
		[POLICY] = {.setting = "cleanup.policy"},
		[RETENTION_MS] = {.setting = "retention.ms"},
		[RETENTION_BYTES] = {.setting = "retention.bytes"},
		[MESSAGE_BYTES] = {.setting = "max.message.bytes"},
		[TIMESTAMP_TYPE] = {.setting = "message.timestamp.type"},
		[TIMESTAMP_BEFORE] = {.setting = "message.timestamp.before.max.ms"},
		[TIMESTAMP_DIFFERENCE] = {.setting = "message.timestamp.difference.max.ms"},
	};
	Status status = kafka_topic_values_get(handle, topic, wait, values, VALUE_COUNT);
	const char *bytes = values[MESSAGE_BYTES].text;
	bool has_own_time = strcmp(values[TIMESTAMP_TYPE].text, "LogAppendTime") == 0;

	*survey = (TopicSurvey){0};
	if (!status_is_ok(&status))
		return status;
	survey->message_bytes_max = bytes[0] != '\0' ? atoll(bytes) : MESSAGE_BYTES_MAX_DEFAULT;
	if (survey->message_bytes_max > MESSAGE_BYTES_MAX_LIMIT)
		survey->message_bytes_max = MESSAGE_BYTES_MAX_LIMIT;
	survey->problems[TOPIC_PROBLEM_COMPACTION] = strstr(values[POLICY].text, "compact") != NULL;
	survey->problems[TOPIC_PROBLEM_RETENTION] =
		strstr(values[POLICY].text, "delete") != NULL &&
		(value_limits(values[RETENTION_MS].text) || value_limits(values[RETENTION_BYTES].text));
	survey->problems[TOPIC_PROBLEM_TIMESTAMPS] =
		!has_own_time && (timestamp_limit_bites(values[TIMESTAMP_BEFORE].text) ||
						  timestamp_limit_bites(values[TIMESTAMP_DIFFERENCE].text));
	return status;
}

static const char *const problem_texts[TOPIC_PROBLEM_COUNT] = {
	[TOPIC_PROBLEM_COMPACTION] = "topic is compacted: only the newest event of each wallet is kept",
	[TOPIC_PROBLEM_RETENTION] = "topic expires events: a history cannot be rebuilt from it",
	[TOPIC_PROBLEM_TIMESTAMPS] = ("topic refuses old records (message.timestamp.before.max.ms): "
								  "events that waited longer than that would not get through"),
	[TOPIC_PROBLEM_FOREIGN] = "topic has events of another source as well",
};

const char *
topic_problem_text(TopicProblem problem)
{
	return problem_texts[problem];
}

static Status
message_bytes_check(const char *topic, int64_t bytes)
{
	if (bytes < MESSAGE_BYTES_MIN)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"topic \"%s\" takes %lld bytes a message (max.message.bytes), an event "
							"needs %d and its metadata come on top",
							topic, (long long) bytes, MESSAGE_BYTES_MIN);
	return status_ok();
}

Status
topic_progress_prepare(rd_kafka_t *handle, const BridgeOptions *options, const Wait *wait)
{
	int partition_count = 0;
	KafkaTopicValue policy = {.setting = "cleanup.policy"};
	Status status = topic_ensure(handle,
								 &(KafkaTopicPlan){.name = options->progress_topic,
												   .partition_count = 1,
												   .replication_factor = (int) options->replication,
												   .settings = progress_settings},
								 wait, &partition_count);

	if (status_is_ok(&status) && partition_count != 1)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "progress topic \"%s\" must have 1 partition, it has %d",
							  options->progress_topic, partition_count);
	if (status_is_ok(&status))
		status = kafka_topic_values_get(handle, options->progress_topic, wait, &policy, 1);
	if (status_is_ok(&status) && policy.text[0] != '\0' && strcmp(policy.text, "compact") != 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "progress topic \"%s\" must have cleanup.policy=compact, it has "
							  "\"%s\": the recorded position would expire",
							  options->progress_topic, policy.text);
	return status;
}

/* A broker that has just started may not know every topic yet: absence must last for a while. */
static Status
absence_confirm(rd_kafka_t *handle, const char *topic, const Wait *wait, int *partition_count)
{
	int64_t until_ms = clock_monotonic_ms() + ABSENCE_MS;
	Status status = kafka_topic_partition_count(handle, topic, wait, partition_count);

	while (status_is_ok(&status) && *partition_count == 0 && clock_monotonic_ms() < until_ms)
	{
		if (!wait_pause(wait->stop_fd, ABSENCE_POLL_MS))
			return wait_status(WAIT_STOPPED, "asking Kafka for its topics");
		status = kafka_topic_partition_count(handle, topic, wait, partition_count);
	}
	return status;
}

Status
topic_find(rd_kafka_t *handle, const char *topic, const Wait *wait, TopicFacts *facts)
{
	*facts = (TopicFacts){0};

	Status status = absence_confirm(handle, topic, wait, &facts->partition_count);

	if (status_is_ok(&status) && facts->partition_count > 0)
		status = kafka_topic_id_get(handle, topic, wait, facts->id);
	if (status_is_ok(&status) && facts->partition_count > 0)
		status = topic_survey(handle, topic, wait, &facts->survey);
	return status;
}

Status
topic_prepare(rd_kafka_t *handle, const BridgeConfig *config, bool may_create, const Wait *wait,
			  TopicFacts *facts)
{
	const char *topic = config->kafka.topic;
	KafkaTopicPlan plan = {
		.name = topic,
		.partition_count = (int) config->bridge.partitions,
		.replication_factor = (int) config->bridge.replication,
		.settings = event_settings,
	};
	char dead_letters[DEAD_LETTER_TOPIC_BYTES];
	int ignored;
	Status status = status_ok();

	if (may_create)
		status = topic_ensure(handle, &plan, wait, &ignored);
	if (status_is_ok(&status))
		status = topic_find(handle, topic, wait, facts);
	if (!status_is_ok(&status) || facts->partition_count == 0)
		return status;
	status = message_bytes_check(topic, facts->survey.message_bytes_max);
	if (status_is_ok(&status) && options_dead_letter_topic(config, dead_letters) != NULL)
	{
		plan.name = dead_letters;
		plan.partition_count = 1;
		plan.settings = dead_letter_settings;
		status = topic_ensure(handle, &plan, wait, &ignored);
	}
	return status;
}

void
topic_problems_log(const char *topic, const TopicSurvey *survey)
{
	for (int problem = 0; problem < TOPIC_PROBLEM_COUNT; problem++)
		if (survey->problems[problem])
			log_warning(problem_texts[problem], log_text("topic", topic));
}
