/*
 * client.c
 *		Builds configurations for librdkafka handles and brings their words into the log.
 *
 * librdkafka calls log_record() from its own threads; the other callbacks run in the thread that
 * polls the handle.
 */
#include "kafka/client.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/guard.h"
#include "kafka/login.h"
#include "observe/log.h"
#include "base/secret.h"

#define VERSION_WARN_BELOW 0x020400ff

const ConfigOption kafka_options[] = {
	{
		.flag = "kafka-brokers",
		.environment = "KAFKA_BROKERS",
		.type = CONFIG_STRING,
		.offset = offsetof(KafkaOptions, brokers),
		.default_text = "localhost:9092",
		.value_name = "HOST:PORT,...",
		.help = "Kafka brokers to ask for the others.",
	},
	{
		.flag = "kafka-topic",
		.environment = "KAFKA_TOPIC",
		.type = CONFIG_STRING,
		.offset = offsetof(KafkaOptions, topic),
		.default_text = "wallet-events",
		.value_name = "NAME",
		.help = "Topic of the events.",
	},
	{
		.flag = "kafka-prop",
		.environment = "KAFKA_PROP_",
		.type = CONFIG_PROPERTIES,
		.offset = offsetof(KafkaOptions, properties),
		.help = "Any property of librdkafka but those that guard correctness: "
				"KAFKA_PROP_SECURITY_PROTOCOL=ssl is --kafka-prop security.protocol=ssl. May be "
				"given several times.",
	},
	CONFIG_OPTIONS_END,
};

/*
 * The log hides secrets itself. Levels are those of syslog(3); what librdkafka calls an error is a
 * warning to us: it goes on trying.
 */
static void
log_record(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	/* A guarantee that we ask for on purpose is nothing to warn of at every start. */
	if (strcmp(facility, "CONFWARN") == 0 && strstr(text, "enable.gapless.guarantee") != NULL)
		return;
	kafka_login_look(text);

	LogLevel ours = level <= 4 ? LOG_LEVEL_WARNING : level <= 6 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	const LogField fields[] = {
		{.type = LOG_FIELD_NONE},
		log_text("handle", handle != NULL ? rd_kafka_name(handle) : "none"),
		log_text("facility", facility),
		log_text("text", text),
		{.type = LOG_FIELD_NONE},
	};

	log_record_write(ours, "kafka", fields);
}

/* librdkafka wrote a line about these already. */
static bool
is_logged_by_library(int code)
{
	return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__RESOLVE ||
		   code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static void
error_report(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
	const KafkaObserver *observer = opaque;
	char fatal_reason[STATUS_TEXT_BYTES];

	/* The code of a fatal error only says so; what it was stands in the handle. */
	if (code == RD_KAFKA_RESP_ERR__FATAL)
	{
		rd_kafka_resp_err_t fatal =
			rd_kafka_fatal_error(handle, fatal_reason, sizeof(fatal_reason));

		log_error("kafka client failed for good", log_text("code", rd_kafka_err2name(fatal)),
				  log_text("error", fatal_reason));
		reason = fatal_reason;
	}
	else if (!is_logged_by_library(code))
		log_warning("kafka trouble",
					log_text("code", rd_kafka_err2name((rd_kafka_resp_err_t) code)),
					log_text("error", reason));
	if (observer != NULL && observer->error != NULL)
		observer->error(handle, (rd_kafka_resp_err_t) code, reason, observer->context);
}

static int
statistics_report(rd_kafka_t *handle, char *json, size_t bytes, void *opaque)
{
	const KafkaObserver *observer = opaque;

	if (observer != NULL && observer->statistics != NULL)
		observer->statistics(handle, json, bytes, observer->context);
	return 0; /* librdkafka keeps and frees json */
}

static Status
setting_apply(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char error[STATUS_TEXT_BYTES];
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, error, sizeof(error));

	if (result == RD_KAFKA_CONF_OK)
		return status_ok();
	if (result == RD_KAFKA_CONF_UNKNOWN)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"librdkafka %s knows no property \"%s\" (KAFKA_PROP_...)",
							rd_kafka_version_str(), name);
	if (secret_name_check(name))
		return status_fatal(EXIT_CODE_CONFIGURATION, "the Kafka property \"%s\" has a bad value",
							name);
	return status_fatal(EXIT_CODE_CONFIGURATION, "Kafka property \"%s\": %s", name, error);
}

static Status
settings_apply(rd_kafka_conf_t *conf, const KafkaSetting *settings)
{
	Status status = status_ok();

	for (const KafkaSetting *setting = settings;
		 setting != NULL && setting->name != NULL && status_is_ok(&status); setting++)
		status = setting_apply(conf, setting->name, setting->value);
	return status;
}

static Status
properties_apply(rd_kafka_conf_t *conf, const ConfigProperties *properties)
{
	Status status = kafka_guarded_check(properties);

	for (size_t i = 0; i < properties->count && status_is_ok(&status); i++)
		status = setting_apply(conf, properties->items[i].name, properties->items[i].value);
	return status;
}

Status
kafka_properties_check(const ConfigProperties *properties)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	Status status = properties_apply(conf, properties);

	rd_kafka_conf_destroy(conf);
	return status;
}

Status
kafka_conf_new(const KafkaOptions *options, const KafkaSetting *defaults,
			   const KafkaSetting *forced, KafkaObserver *observer, rd_kafka_conf_t **conf)
{
	const KafkaSetting brokers[] = {{"bootstrap.servers", options->brokers}, {NULL, NULL}};
	rd_kafka_conf_t *made = rd_kafka_conf_new();

	*conf = NULL;
	rd_kafka_conf_set_log_cb(made, log_record);
	rd_kafka_conf_set_error_cb(made, error_report);
	rd_kafka_conf_set_stats_cb(made, statistics_report);
	rd_kafka_conf_set_opaque(made, observer);

	Status status = settings_apply(made, brokers);

	if (status_is_ok(&status))
		status = settings_apply(made, defaults);
	if (status_is_ok(&status))
		status = properties_apply(made, &options->properties);
	if (status_is_ok(&status))
		status = settings_apply(made, forced);
	if (status_is_ok(&status))
		*conf = made;
	else
		rd_kafka_conf_destroy(made);
	return status;
}

Status
kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **handle)
{
	char error[STATUS_TEXT_BYTES];

	*handle = rd_kafka_new(type, conf, error, sizeof(error));
	if (*handle != NULL)
		return status_ok();
	rd_kafka_conf_destroy(conf);
	return status_fatal(EXIT_CODE_CONFIGURATION, "cannot make a Kafka client: %s", error);
}

void
kafka_version_log(const KafkaOptions *options)
{
	if (kafka_scram_is_broken(&options->properties, rd_kafka_version()))
		log_warning("librdkafka is older than 2.6.1: brokers from Kafka 4.0 on refuse its SCRAM "
					"logins as a wrong password; install a newer one, or use SASL PLAIN over TLS "
					"or client certificates",
					log_text("version", rd_kafka_version_str()));
	if (rd_kafka_version() < VERSION_WARN_BELOW)
		log_warning("librdkafka is older than 2.4.0, which fixed lost and duplicate fetches",
					log_text("version", rd_kafka_version_str()));
	else
		log_info("librdkafka", log_text("version", rd_kafka_version_str()));
}
