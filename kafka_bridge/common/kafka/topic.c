/*
 * topic.c
 *		Metadata and admin requests, asked in slices so that a stop is noticed within one.
 */
#include "kafka/topic.h"

#include <string.h>

#include "kafka/login.h"

#define SLICE_MS	   200
#define RETRY_PAUSE_MS 100
#define ERROR_BYTES	   512

/* Whether the wait ended; the status says how. */
static bool
wait_ended(const Wait *wait, const char *what, Status *status)
{
	if (wait_is_stopped(wait->stop_fd))
		*status = wait_status(WAIT_STOPPED, what);
	else if (wait_remaining_ms(wait) == 0)
		*status = wait_status(WAIT_TIMED_OUT, what);
	else
		return false;
	return true;
}

static Status
partition_count_read(const struct rd_kafka_metadata *metadata, const char *topic,
					 int *partition_count)
{
	*partition_count = 0;
	for (int i = 0; i < metadata->topic_cnt; i++)
	{
		const rd_kafka_metadata_topic_t *found = &metadata->topics[i];

		if (strcmp(found->topic, topic) != 0)
			continue;
		/* Just created topics have no leader for a moment, but their partitions are known. */
		if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
			found->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
			return kafka_code_classify(found->err, "cannot ask for the topic's partitions", NULL);
		*partition_count = found->partition_cnt;
	}
	return status_ok();
}

Status
kafka_topic_partition_count(rd_kafka_t *handle, const char *topic, const Wait *wait,
							int *partition_count)
{
	static const char *const what = "asking Kafka for its topics";
	const struct rd_kafka_metadata *metadata = NULL;
	Status status = status_ok();

	*partition_count = 0;
	for (;;)
	{
		/* A slice of no time at all would fail before the broker could answer. */
		int slice_ms = wait_slice_ms(wait, 1000);
		rd_kafka_resp_err_t code =
			rd_kafka_metadata(handle, 1, NULL, &metadata, slice_ms > 0 ? slice_ms : 1);

		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		status = kafka_code_classify(code, what, NULL);
		/* Some failures come at once; at the deadline the last one says more than the time. */
		if (status.class != STATUS_RETRY)
			return status;
		if (wait_remaining_ms(wait) == 0)
		{
			/* Brokers that refuse the login look like absent ones from here. */
			char refusal[STATUS_TEXT_BYTES];

			return kafka_login_explain(refusal, sizeof(refusal)) ? status_retry("%s", refusal)
																 : status;
		}
		if (!wait_pause(wait->stop_fd, RETRY_PAUSE_MS))
			return wait_status(WAIT_STOPPED, what);
	}
	status = partition_count_read(metadata, topic, partition_count);
	rd_kafka_metadata_destroy(metadata);
	return status;
}

/* The answer to an admin request of this type, or why there is none. */
static Status
admin_event_wait(rd_kafka_queue_t *queue, const Wait *wait, const char *what,
				 rd_kafka_event_t **event)
{
	Status status = status_ok();

	*event = NULL;
	while (*event == NULL)
	{
		*event = rd_kafka_queue_poll(queue, wait_slice_ms(wait, SLICE_MS));
		if (*event == NULL && wait_ended(wait, what, &status))
			return status;
	}
	return kafka_code_classify(rd_kafka_event_error(*event), what,
							   rd_kafka_event_error_string(*event));
}

static rd_kafka_AdminOptions_t *
admin_options_new(rd_kafka_t *handle, rd_kafka_admin_op_t operation, const Wait *wait)
{
	char error[ERROR_BYTES];
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, operation);
	int timeout_ms = wait_slice_ms(wait, 60000);

	/* The broker's own limit; the wait decides, should it be shorter. */
	rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms > 1000 ? timeout_ms : 1000, error,
											  sizeof(error));
	return options;
}

static Status
topic_new(const KafkaTopicPlan *plan, rd_kafka_NewTopic_t **topic)
{
	char error[ERROR_BYTES];

	*topic = rd_kafka_NewTopic_new(plan->name, plan->partition_count, plan->replication_factor,
								   error, sizeof(error));
	if (*topic == NULL)
		return status_fatal(EXIT_CODE_CONFIGURATION, "cannot create topic \"%s\": %s", plan->name,
							error);
	for (const KafkaSetting *setting = plan->settings; setting != NULL && setting->name != NULL;
		 setting++)
	{
		rd_kafka_resp_err_t code =
			rd_kafka_NewTopic_set_config(*topic, setting->name, setting->value);

		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return kafka_code_classify(code, setting->name, NULL);
	}
	return status_ok();
}

static Status
create_result_read(rd_kafka_event_t *event, const char *name, bool *created)
{
	size_t count = 0;
	const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
	const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
	char what[ERROR_BYTES];

	if (count != 1)
		return status_bug("Kafka answered for %zu topics instead of one", count);

	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[0]);

	*created = code == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return status_ok();
	/* Fewer brokers than replicas: they may still be starting, but mostly it is a wrong number. */
	snprintf(what, sizeof(what), "cannot create topic \"%s\"", name);
	if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR)
		return status_fatal(EXIT_CODE_CONFIGURATION, "%s: %s", what,
							rd_kafka_topic_result_error_string(topics[0]));
	return kafka_code_classify(code, what, rd_kafka_topic_result_error_string(topics[0]));
}

Status
kafka_topic_create(rd_kafka_t *handle, const KafkaTopicPlan *plan, const Wait *wait, bool *created)
{
	rd_kafka_NewTopic_t *topic = NULL;
	rd_kafka_AdminOptions_t *options = NULL;
	rd_kafka_queue_t *queue = NULL;
	rd_kafka_event_t *event = NULL;
	bool is_new = false;
	Status status = topic_new(plan, &topic);

	if (!status_is_ok(&status))
		goto cleanup;
	options = admin_options_new(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, wait);
	queue = rd_kafka_queue_new(handle);
	rd_kafka_CreateTopics(handle, &topic, 1, options, queue);
	status = admin_event_wait(queue, wait, "creating a topic", &event);
	if (status_is_ok(&status))
		status = create_result_read(event, plan->name, &is_new);
	if (created != NULL)
		*created = is_new;

cleanup:
	if (event != NULL)
		rd_kafka_event_destroy(event);
	if (queue != NULL)
		rd_kafka_queue_destroy(queue);
	if (options != NULL)
		rd_kafka_AdminOptions_destroy(options);
	if (topic != NULL)
		rd_kafka_NewTopic_destroy(topic);
	return status;
}

static Status
describe_result_read(rd_kafka_event_t *event, KafkaTopicValue *values, size_t value_count)
{
	size_t count = 0;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event),
												  &count);

	if (count != 1)
		return status_bug("Kafka answered for %zu resources instead of one", count);

	rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_code_classify(code, "cannot read the topic's settings",
								   rd_kafka_ConfigResource_error_string(resources[0]));

	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &count);

	for (size_t i = 0; i < count; i++)
	{
		const char *name = rd_kafka_ConfigEntry_name(entries[i]);
		const char *found = rd_kafka_ConfigEntry_value(entries[i]);

		for (size_t j = 0; j < value_count && found != NULL; j++)
			if (strcmp(name, values[j].setting) == 0)
				snprintf(values[j].text, sizeof(values[j].text), "%s", found);
	}
	return status_ok();
}

Status
kafka_topic_values_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
					   KafkaTopicValue *values, size_t count)
{
	rd_kafka_ConfigResource_t *resource =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
	rd_kafka_AdminOptions_t *options =
		admin_options_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, wait);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	rd_kafka_event_t *event = NULL;

	for (size_t i = 0; i < count; i++)
		values[i].text[0] = '\0';
	rd_kafka_DescribeConfigs(handle, &resource, 1, options, queue);

	Status status = admin_event_wait(queue, wait, "reading a topic's settings", &event);

	if (status_is_ok(&status))
		status = describe_result_read(event, values, count);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_ConfigResource_destroy(resource);
	return status;
}

#if RD_KAFKA_VERSION >= 0x020300ff
static Status
describe_topic_read(rd_kafka_event_t *event, char id[KAFKA_TOPIC_ID_BYTES])
{
	size_t count = 0;
	const rd_kafka_TopicDescription_t **topics =
		rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);

	if (count != 1)
		return status_bug("Kafka answered for %zu topics instead of one", count);

	const rd_kafka_error_t *error = rd_kafka_TopicDescription_error(topics[0]);

	if (error != NULL && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_code_classify(rd_kafka_error_code(error), "cannot ask for the topic's id",
								   rd_kafka_error_string(error));

	const rd_kafka_Uuid_t *found = rd_kafka_TopicDescription_topic_id(topics[0]);

	/* Brokers from before 2.8 know none: all bits are 0. */
	if (found != NULL && (rd_kafka_Uuid_most_significant_bits(found) != 0 ||
						  rd_kafka_Uuid_least_significant_bits(found) != 0))
		snprintf(id, KAFKA_TOPIC_ID_BYTES, "%s", rd_kafka_Uuid_base64str(found));
	return status_ok();
}

Status
kafka_topic_id_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
				   char id[KAFKA_TOPIC_ID_BYTES])
{
	rd_kafka_TopicCollection_t *topics = rd_kafka_TopicCollection_of_topic_names(&topic, 1);
	rd_kafka_AdminOptions_t *options =
		admin_options_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, wait);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
	rd_kafka_event_t *event = NULL;

	id[0] = '\0';
	rd_kafka_DescribeTopics(handle, topics, options, queue);

	Status status = admin_event_wait(queue, wait, "asking for a topic's id", &event);

	if (status_is_ok(&status))
		status = describe_topic_read(event, id);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_TopicCollection_destroy(topics);
	return status;
}
#else
Status
kafka_topic_id_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
				   char id[KAFKA_TOPIC_ID_BYTES])
{
	(void) handle;
	(void) topic;
	(void) wait;
	id[0] = '\0';
	return status_ok();
}
#endif
