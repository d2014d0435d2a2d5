/*
 * publisher_handle.c
 *		Makes the publisher's producer: what its delivery asks of librdkafka.
 *
 * Idempotent: a message is tried for ever, and a gap in a partition's sequence is fatal, since an
 * event refused by the broker must not let the wallet's next one pass. Transactional: what fails
 * takes its whole transaction with it, so a message may be tried as long as its transaction lasts.
 */
#include "publisher_handle.h"

#include <stdio.h>

#include "linger.h"
#include "kafka/error.h"
#include "transaction_state.h"

#define NUMBER_BYTES 24

typedef struct DeliverySettings
{
	KafkaSetting items[5];
} DeliverySettings;

static DeliverySettings
delivery_settings(const PublisherPlan *plan, const char *timeout_ms)
{
	if (plan->transactional_id == NULL)
		return (DeliverySettings){{
			{"enable.gapless.guarantee", "true"},
			{"message.timeout.ms", "0"},
			{NULL, NULL},
		}};
	return (DeliverySettings){{
		{"transactional.id", plan->transactional_id},
		{"transaction.timeout.ms", timeout_ms},
		{"message.timeout.ms", timeout_ms},
		{NULL, NULL},
	}};
}

static Status
settings_force(rd_kafka_conf_t *conf, const KafkaSetting *settings)
{
	char error[STATUS_TEXT_BYTES];

	for (; settings->name != NULL; settings++)
		if (rd_kafka_conf_set(conf, settings->name, settings->value, error, sizeof(error)) !=
			RD_KAFKA_CONF_OK)
			return status_bug("Kafka property \"%s\": %s", settings->name, error);
	return status_ok();
}

Status
publisher_handle_open(const PublisherPlan *plan, KafkaObserver *observer,
					  PublisherHandleReport report, rd_kafka_t **handle)
{
	char message_bytes_max[NUMBER_BYTES];
	char timeout_ms[NUMBER_BYTES];
	/*
	 * The in-flight ring bounds memory: librdkafka's own bounds must not come first. A transaction
	 * that follows another at once is asked to wait a moment: retry.backoff.ms says for how long.
	 * It gathers its records anyway; by themselves they wait for company (linger.h).
	 */
	const KafkaSetting defaults[] = {
		{"linger.ms", plan->transactional_id != NULL ? "0" : LINGER_MS_TEXT},
		{"socket.nagle.disable", "true"},
		{"socket.keepalive.enable", "true"},
		{"reconnect.backoff.ms", "50"},
		{"reconnect.backoff.max.ms", "1000"},
		{"topic.metadata.refresh.interval.ms", "30000"},
		{"retry.backoff.ms", plan->transactional_id != NULL ? "2" : "100"},
		{NULL, NULL},
	};
	const KafkaSetting forced[] = {
		{"enable.idempotence", "true"},
		{"acks", "all"},
		{"delivery.report.only.error", "false"},
		{"queue.buffering.max.messages", "10000000"},
		{"queue.buffering.max.kbytes", "2097151"},
		{"message.max.bytes", message_bytes_max},
		{NULL, NULL},
	};
	rd_kafka_conf_t *conf = NULL;

	snprintf(message_bytes_max, sizeof(message_bytes_max), "%lld",
			 (long long) plan->message_bytes_max - BATCH_OVERHEAD_BYTES);
	snprintf(timeout_ms, sizeof(timeout_ms), "%lld", (long long) plan->transaction_timeout_ms);

	Status status = kafka_conf_new(plan->kafka, defaults, forced, observer, &conf);

	if (!status_is_ok(&status))
		return status;
	status = settings_force(conf, delivery_settings(plan, timeout_ms).items);
	if (!status_is_ok(&status))
	{
		rd_kafka_conf_destroy(conf);
		return status;
	}
	rd_kafka_conf_set_dr_msg_cb(conf, report);
	return kafka_handle_new(RD_KAFKA_PRODUCER, conf, handle);
}

Status
publisher_handle_fatal(rd_kafka_t *handle)
{
	char text[256];
	rd_kafka_resp_err_t cause = rd_kafka_fatal_error(handle, text, sizeof(text));

	if (kafka_code_classify(cause, "", NULL).exit_code == EXIT_CODE_FENCED)
		return transaction_fenced_status(text);
	return status_retry("producer gave up (%s): %s", rd_kafka_err2name(cause), text);
}
