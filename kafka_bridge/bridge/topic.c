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

#include "kafka/topic.h"
#include "observe/log.h"

#define MESSAGE_BYTES_MAX_DEFAULT 1048588 /* Kafka's own, where the topic's is not told */
#define MESSAGE_BYTES_MAX_LIMIT	  100000000
#define MESSAGE_BYTES_MIN		  2048
#define VISIBLE_POLL_MS			  50

static const KafkaSetting event_settings[] = {
	{"cleanup.policy", "delete"},
	{"retention.ms", "-1"},
	{NULL, NULL},
};

static const KafkaSetting progress_settings[] = {
	{"cleanup.policy", "compact"},
	{"segment.bytes", "4194304"},
	{"segment.ms", "3600000"},
	{"min.cleanable.dirty.ratio", "0.1"},
	{NULL, NULL},
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

/* Whether retention.ms or cleanup.policy would let events vanish. */
static Status
retention_check(rd_kafka_t *handle, const char *topic, const Wait *wait)
{
	char retention[32];
	char policy[32];
	Status status =
		kafka_topic_setting_get(handle, topic, "retention.ms", wait, retention, sizeof(retention));

	if (status_is_ok(&status))
		status =
			kafka_topic_setting_get(handle, topic, "cleanup.policy", wait, policy, sizeof(policy));
	if (!status_is_ok(&status))
		return status;
	if (strstr(policy, "compact") != NULL)
		log_warning("topic is compacted: only the newest event of each wallet is kept",
					log_text("topic", topic), log_text("cleanup.policy", policy));
	else if (retention[0] != '\0' && strcmp(retention, "-1") != 0)
		log_warning("topic expires events: a history cannot be rebuilt from it",
					log_text("topic", topic), log_text("retention.ms", retention));
	return status;
}

static Status
message_bytes_max_get(rd_kafka_t *handle, const char *topic, const Wait *wait, int64_t *bytes)
{
	char text[32];
	Status status =
		kafka_topic_setting_get(handle, topic, "max.message.bytes", wait, text, sizeof(text));

	if (!status_is_ok(&status))
		return status;
	*bytes = text[0] != '\0' ? atoll(text) : MESSAGE_BYTES_MAX_DEFAULT;
	if (*bytes > MESSAGE_BYTES_MAX_LIMIT)
		*bytes = MESSAGE_BYTES_MAX_LIMIT;
	if (*bytes < MESSAGE_BYTES_MIN)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"topic \"%s\" takes %lld bytes a message (max.message.bytes), an event "
							"needs %d",
							topic, (long long) *bytes, MESSAGE_BYTES_MIN);
	return status;
}

static Status
progress_topic_ensure(rd_kafka_t *handle, const BridgeOptions *options, const Wait *wait)
{
	int partition_count = 0;
	char policy[32];
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
		status = kafka_topic_setting_get(handle, options->progress_topic, "cleanup.policy", wait,
										 policy, sizeof(policy));
	if (status_is_ok(&status) && policy[0] != '\0' && strcmp(policy, "compact") != 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION,
							  "progress topic \"%s\" must have cleanup.policy=compact, it has "
							  "\"%s\": the recorded position would expire",
							  options->progress_topic, policy);
	return status;
}

Status
topic_prepare(rd_kafka_t *handle, const BridgeConfig *config, const Wait *wait, TopicFacts *facts)
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
	Status status = topic_ensure(handle, &plan, wait, &facts->partition_count);

	if (status_is_ok(&status))
		status = retention_check(handle, topic, wait);
	if (status_is_ok(&status))
		status = message_bytes_max_get(handle, topic, wait, &facts->message_bytes_max);
	if (status_is_ok(&status))
		status = progress_topic_ensure(handle, &config->bridge, wait);
	if (status_is_ok(&status) && options_dead_letter_topic(config, dead_letters) != NULL)
	{
		plan.name = dead_letters;
		plan.partition_count = 1;
		status = topic_ensure(handle, &plan, wait, &ignored);
	}
	return status;
}
