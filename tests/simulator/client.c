/*
 * client.c
 *		What stands for librdkafka's handles, settings and topics, on the scripted broker. What only
 *		computes (headers, error texts, the partitioner) is librdkafka's own.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler.h"
#include "substitutes.h"

static rd_kafka_t *handles;
static int handle_count;

void
clients_begin(void)
{
	handles = NULL;
	handle_count = 0;
}

rd_kafka_t *
clients_get(void)
{
	return handles;
}

rd_kafka_conf_t *
rd_kafka_conf_new(void)
{
	return calloc(1, sizeof(rd_kafka_conf_t));
}

void
rd_kafka_conf_destroy(rd_kafka_conf_t *conf)
{
	free(conf);
}

rd_kafka_conf_res_t
rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *error,
				  size_t bytes)
{
	(void) conf;
	(void) name;
	(void) value;
	(void) error;
	(void) bytes;
	return RD_KAFKA_CONF_OK;
}

void
rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf, DeliveryReport report)
{
	conf->report = report;
}

void
rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf, ErrorReport report)
{
	conf->error = report;
}

void
rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
						 void (*log)(const rd_kafka_t *, int, const char *, const char *))
{
	(void) conf;
	(void) log;
}

void
rd_kafka_conf_set_stats_cb(rd_kafka_conf_t *conf,
						   int (*stats)(rd_kafka_t *, char *, size_t, void *))
{
	(void) conf;
	(void) stats;
}

void
rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque)
{
	conf->opaque = opaque;
}

rd_kafka_t *
rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error, size_t bytes)
{
	rd_kafka_t *handle = calloc(1, sizeof(*handle));

	(void) error;
	(void) bytes;
	handle->type = type;
	handle->conf = *conf;
	handle->number = handle_count++;
	handle->process = thread_process();
	handle->next = handles;
	handles = handle;
	free(conf);
	return handle;
}

static bool
never(void *context)
{
	(void) context;
	return false;
}

bool
client_ask(int64_t timeout_ms)
{
	int64_t delay_us = 100 + (int64_t) chance(once_in(30) ? 300000 : 1500);
	int64_t timeout_us = timeout_ms * 1000;

	thread_wait(never, NULL, now_us() + (delay_us < timeout_us ? delay_us : timeout_us));
	if (broker_is_up() && delay_us < timeout_us)
		return true;
	thread_wait(never, NULL, now_us() + timeout_us);
	return false;
}

void
rd_kafka_destroy(rd_kafka_t *handle)
{
	thread_yield();
	producer_abandon(handle);
	handle->closed = true;
}

const char *
rd_kafka_name(const rd_kafka_t *handle)
{
	(void) handle;
	return "simulated";
}

rd_kafka_topic_conf_t *
rd_kafka_default_topic_conf_dup(rd_kafka_t *handle)
{
	(void) handle;
	return calloc(1, sizeof(rd_kafka_topic_conf_t));
}

void
rd_kafka_topic_conf_destroy(rd_kafka_topic_conf_t *conf)
{
	free(conf);
}

void
rd_kafka_topic_conf_set_partitioner_cb(rd_kafka_topic_conf_t *conf, PartitionChoice choose)
{
	conf->choose = choose;
}

void
rd_kafka_topic_conf_set_opaque(rd_kafka_topic_conf_t *conf, void *opaque)
{
	conf->opaque = opaque;
}

rd_kafka_topic_t *
rd_kafka_topic_new(rd_kafka_t *handle, const char *name, rd_kafka_topic_conf_t *conf)
{
	rd_kafka_topic_t *topic = calloc(1, sizeof(*topic));

	topic->handle = handle;
	topic->topic = broker_find(name);
	if (conf != NULL)
		topic->conf = *conf;
	return topic;
}

void
rd_kafka_topic_destroy(rd_kafka_topic_t *topic)
{
	(void) topic;
}

const char *
rd_kafka_topic_name(const rd_kafka_topic_t *topic)
{
	return topic->topic->name;
}

rd_kafka_resp_err_t
rd_kafka_metadata(rd_kafka_t *handle, int all, rd_kafka_topic_t *only,
				  const struct rd_kafka_metadata **metadata, int timeout_ms)
{
	static const char *const names[] = {EVENT_TOPIC, PROGRESS_TOPIC};
	struct rd_kafka_metadata *made;

	(void) handle;
	(void) all;
	(void) only;
	if (!client_ask(timeout_ms))
		return RD_KAFKA_RESP_ERR__TRANSPORT;
	made = calloc(1, sizeof(*made));
	made->topics = calloc(2, sizeof(*made->topics));
	for (int i = 0; i < 2; i++)
	{
		Topic *topic = broker_find(names[i]);

		if (topic->partition_count == 0)
			continue;
		made->topics[made->topic_cnt].topic = (char *) (uintptr_t) topic->name;
		made->topics[made->topic_cnt++].partition_cnt = topic->partition_count;
	}
	*metadata = made;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void
rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata)
{
	free(metadata->topics);
	free((void *) (uintptr_t) metadata);
}

/* The admin client: what it is asked for, not how. */

static Status
admin_ask(const Wait *wait)
{
	int64_t timeout_ms = wait_remaining_ms(wait);

	return client_ask(timeout_ms < 0 ? 60000 : timeout_ms) ? status_ok()
														   : status_retry("Kafka does not answer");
}

Status
__wrap_kafka_topic_create(rd_kafka_t *handle, const KafkaTopicPlan *plan, const Wait *wait,
						  bool *created)
{
	Topic *topic = broker_find(plan->name);
	Status status = admin_ask(wait);

	(void) handle;
	if (!status_is_ok(&status))
		return status;
	if (created != NULL)
		*created = topic->partition_count == 0;
	if (topic->partition_count == 0)
		broker_create(topic, plan->partition_count);
	return status;
}

Status
__wrap_kafka_topic_values_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
							  KafkaTopicValue *values, size_t count)
{
	bool compacts = strcmp(topic, PROGRESS_TOPIC) == 0;

	(void) handle;
	for (size_t i = 0; i < count; i++)
		snprintf(values[i].text, sizeof(values[i].text), "%s",
				 strcmp(values[i].setting, "cleanup.policy") != 0 ? ""
				 : compacts										  ? "compact"
																  : "delete");
	return admin_ask(wait);
}

Status
__wrap_kafka_topic_id_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
						  char id[KAFKA_TOPIC_ID_BYTES])
{
	(void) handle;
	(void) topic;
	id[0] = '\0';
	return admin_ask(wait);
}
