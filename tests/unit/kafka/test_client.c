/*
 * test_client.c
 *		Which properties users may set, what error codes mean, and that an absent broker holds up
 *		neither a deadline nor a stop. (Topics of a real broker: tests/system.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assert_within.h"
#include "base/clock.h"
#include "config/value.h"
#include "kafka/client.h"
#include "kafka/login.h"
#include "kafka/topic.h"

static const ConfigOption properties_option = {.flag = "kafka-prop", .type = CONFIG_PROPERTIES};

static Status
property_check(const char *name, const char *value)
{
	ConfigProperties properties = {0};

	assert_true(config_property_set(&properties, name, value));

	Status status = kafka_properties_check(&properties);

	config_value_free(&properties_option, &properties);
	return status;
}

static void
test_guarded_properties(void **state)
{
	static const char *const guarded[] = {"acks",
										  "request.required.acks",
										  "enable.idempotence",
										  "transactional.id",
										  "enable.auto.commit",
										  "enable.auto.offset.store",
										  "isolation.level",
										  "auto.offset.reset",
										  "partitioner",
										  "group.id",
										  "max.in.flight",
										  "max.in.flight.requests.per.connection",
										  "plugin.library.paths",
										  "message.timeout.ms",
										  "retries",
										  "message.send.max.retries",
										  "dr_msg_cb",
										  "dr.msg.cb",
										  "log_cb",
										  "rebalance_cb",
										  "opaque",
										  "bootstrap.servers",
										  "metadata.broker.list",
										  "enabled.events",
										  "default.topic.conf",
										  "queuing.strategy"};

	(void) state;
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
	{
		Status status = property_check(guarded[i], "1");

		assert_int_equal(status.class, STATUS_FATAL);
		assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
		if (strstr(status.text, "may not be set: ") == NULL)
			fail_msg("%s: %s", guarded[i], status.text);
	}
}

static void
test_free_properties(void **state)
{
	static const char *const allowed[][2] = {
		{"linger.ms", "5"},			  {"client.id", "me"},			{"socket.timeout.ms", "5000"},
		{"compression.codec", "lz4"}, {"security.protocol", "ssl"}, {"sasl.password", "p"}};

	(void) state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
	{
		Status status = property_check(allowed[i][0], allowed[i][1]);

		if (!status_is_ok(&status))
			fail_msg("%s: %s", allowed[i][0], status.text);
	}
}

static void
test_wrong_properties(void **state)
{
	Status status = property_check("no.such.property", "1");

	(void) state;
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_non_null(strstr(status.text, "knows no property \"no.such.property\""));
	status = property_check("linger.ms", "soon");
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
	assert_non_null(strstr(status.text, "linger.ms"));
	status = property_check("socket.timeout.ms", "-1");
	assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
}

static void
test_codes(void **state)
{
	static const struct
	{
		rd_kafka_resp_err_t code;
		StatusClass class;
		ExitCode exit_code;
	} cases[] = {
		{RD_KAFKA_RESP_ERR_NO_ERROR, STATUS_OK, EXIT_CODE_STOPPED},
		{RD_KAFKA_RESP_ERR__TRANSPORT, STATUS_RETRY, EXIT_CODE_PEER_GONE},
		{RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, STATUS_RETRY, EXIT_CODE_PEER_GONE},
		{RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, STATUS_RETRY, EXIT_CODE_PEER_GONE},
		{RD_KAFKA_RESP_ERR__TIMED_OUT, STATUS_RETRY, EXIT_CODE_PEER_GONE},
		{RD_KAFKA_RESP_ERR__FENCED, STATUS_FATAL, EXIT_CODE_FENCED},
		{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
		{RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, STATUS_FATAL, EXIT_CODE_CONFIGURATION},
		{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, STATUS_FATAL, EXIT_CODE_BUG},
		{RD_KAFKA_RESP_ERR__FATAL, STATUS_FATAL, EXIT_CODE_BUG},
		{RD_KAFKA_RESP_ERR__INVALID_ARG, STATUS_BUG, EXIT_CODE_BUG},
		{RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, STATUS_RETRY, EXIT_CODE_PEER_GONE},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Status status = kafka_code_classify(cases[i].code, "deed", NULL);

		if (status.class != cases[i].class || status.exit_code != cases[i].exit_code)
			fail_msg("%s is %s, exit code %d", rd_kafka_err2name(cases[i].code),
					 status_class_name(status.class), (int) status.exit_code);
	}
	assert_true(kafka_code_is_data_error(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE));
	assert_false(kafka_code_is_data_error(RD_KAFKA_RESP_ERR__TRANSPORT));

	assert_false(kafka_code_is_data_error(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP));

	Status late = kafka_code_classify(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, "deed", NULL);

	assert_non_null(strstr(late.text, "message.timestamp.before.max.ms"));
	assert_non_null(strstr(late.text, "clock"));

	Status ok = kafka_error_classify(NULL, "deed");

	assert_true(status_is_ok(&ok));
}

static void
test_refused_login(void **state)
{
	char text[256] = "as it was";

	(void) state;
	kafka_login_look(
		"[thrd:127.0.0.1:9092/1]: 127.0.0.1:9092/1: Connect to ipv4#127.0.0.1:9092 failed");
	assert_false(kafka_login_explain(text, sizeof(text)));
	assert_string_equal(text, "as it was");
	kafka_login_look("[thrd:sasl_ssl://k:9093/1]: sasl_ssl://k:9093/1: SASL authentication error: "
					 "Authentication failed: invalid credentials (after 9ms in state AUTH_REQ)");
	assert_true(kafka_login_explain(text, sizeof(text)));
	assert_string_equal(text,
						"authentication failed: sasl_ssl://k:9093/1: SASL authentication error: "
						"Authentication failed: invalid credentials (after 9ms in state AUTH_REQ)");
	kafka_login_look(
		"[thrd:ssl://k:9093/1]: ssl://k:9093/1: SSL handshake failed: certificate verify failed");
	assert_true(kafka_login_explain(text, sizeof(text)));
	assert_non_null(strstr(text, "certificate verify failed"));
}

static void
test_scram(void **state)
{
	ConfigProperties properties = {0};

	(void) state;
	assert_false(kafka_scram_is_broken(&properties, 0x020002ff));
	assert_true(config_property_set(&properties, "sasl.mechanisms", "PLAIN"));
	assert_false(kafka_scram_is_broken(&properties, 0x020002ff));
	assert_true(config_property_set(&properties, "sasl.mechanisms", "SCRAM-SHA-256"));
	assert_true(kafka_scram_is_broken(&properties, 0x020002ff));
	assert_true(kafka_scram_is_broken(&properties, 0x020600ff));
	assert_false(kafka_scram_is_broken(&properties, 0x020601ff));
	config_value_free(&properties_option, &properties);
}

static void
test_order_of_settings(void **state)
{
	static char brokers[] = "127.0.0.1:1";
	const KafkaSetting defaults[] = {{"linger.ms", "1"}, {"client.id", "ours"}, {NULL, NULL}};
	const KafkaSetting forced[] = {{"acks", "all"}, {NULL, NULL}};
	KafkaOptions options = {.brokers = brokers};
	KafkaObserver observer = {0};
	rd_kafka_conf_t *conf = NULL;
	char value[64];
	size_t bytes = sizeof(value);

	(void) state;
	assert_true(config_property_set(&options.properties, "client.id", "theirs"));

	Status status = kafka_conf_new(&options, defaults, forced, &observer, &conf);

	assert_true(status_is_ok(&status));
	assert_int_equal(rd_kafka_conf_get(conf, "client.id", value, &bytes), RD_KAFKA_CONF_OK);
	assert_string_equal(value, "theirs");
	bytes = sizeof(value);
	assert_int_equal(rd_kafka_conf_get(conf, "linger.ms", value, &bytes), RD_KAFKA_CONF_OK);
	assert_string_equal(value, "1");
	bytes = sizeof(value);
	assert_int_equal(rd_kafka_conf_get(conf, "acks", value, &bytes), RD_KAFKA_CONF_OK);
	assert_string_equal(value, "-1");
	rd_kafka_conf_destroy(conf);
	config_value_free(&properties_option, &options.properties);
}

static void
test_absent_broker(void **state)
{
	static char brokers[] = "127.0.0.1:1";
	const KafkaOptions options = {.brokers = brokers};
	const KafkaTopicPlan plan = {.name = "t", .partition_count = 1, .replication_factor = 1};
	KafkaObserver observer = {0};
	rd_kafka_conf_t *conf = NULL;
	rd_kafka_t *handle = NULL;
	int ends[2];
	int count = 0;
	KafkaTopicValue value = {.setting = "retention.ms"};

	(void) state;
	assert_int_equal(pipe(ends), 0);

	Status status = kafka_conf_new(&options, NULL, NULL, &observer, &conf);

	assert_true(status_is_ok(&status));
	status = kafka_handle_new(RD_KAFKA_PRODUCER, conf, &handle);
	assert_true(status_is_ok(&status));

	int64_t began_ms = clock_monotonic_ms();
	Wait wait = wait_begin(ends[0], 300);

	status = kafka_topic_partition_count(handle, "t", &wait, &count);
	assert_int_equal(status.class, STATUS_RETRY);
	wait = wait_begin(ends[0], 300);
	status = kafka_topic_create(handle, &plan, &wait, NULL);
	assert_int_equal(status.class, STATUS_RETRY);
	assert_within(clock_monotonic_ms() - began_ms, 600, 20000);

	assert_int_equal(write(ends[1], "x", 1), 1);
	wait = wait_begin(ends[0], 600000);
	began_ms = clock_monotonic_ms();
	status = kafka_topic_partition_count(handle, "t", &wait, &count);
	assert_string_equal(status.text, "asking Kafka for its topics: stop requested");
	status = kafka_topic_values_get(handle, "t", &wait, &value, 1);
	assert_string_equal(status.text, "reading a topic's settings: stop requested");
	assert_within(clock_monotonic_ms() - began_ms, 0, 20000);
	rd_kafka_destroy(handle);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarded_properties), cmocka_unit_test(test_free_properties),
		cmocka_unit_test(test_wrong_properties),   cmocka_unit_test(test_codes),
		cmocka_unit_test(test_refused_login),	   cmocka_unit_test(test_scram),
		cmocka_unit_test(test_order_of_settings),  cmocka_unit_test(test_absent_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
