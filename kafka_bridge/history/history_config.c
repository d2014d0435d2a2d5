/*
 * history_config.c
 *		The configuration of wallet_history: one struct, one option table.
 */
#include "history_config.h"

#include <string.h>

#include "history_metrics.h"
#include "work_queues.h"

#define MEMBER(member) .offset = offsetof(HistoryOptions, member)

static const ConfigChoice record_policies[] = {{"record", POLICY_GO_ON},
											   {"stop", POLICY_STOP},
											   {NULL, 0}};
static const ConfigChoice poison_policies[] = {{"dlq", POLICY_GO_ON},
											   {"stop", POLICY_STOP},
											   {NULL, 0}};

static const ConfigOption history_options[] = {
	{.flag = "group",
	 .environment = "KAFKA_GROUP_ID",
	 .type = CONFIG_STRING,
	 MEMBER(group),
	 .default_text = "history-service-group",
	 .value_name = "NAME",
	 .help = "Consumer group; also names the positions in wallet_history_offsets."},
	{.flag = "source",
	 .environment = "HISTORY_SOURCE",
	 .type = CONFIG_STRING,
	 MEMBER(source),
	 .value_name = "SOURCES",
	 .help = "Sources (ce_source) whose events are this history's beside those of the database's "
			 "own ledger, with commas between: of a ledger elsewhere, or of this one before it was "
			 "restored or upgraded. Without a ledger and without this, the first event's."},
	{.flag = "on-gap",
	 .environment = "HISTORY_ON_GAP",
	 .type = CONFIG_ENUM,
	 MEMBER(on_gap),
	 .default_text = "record",
	 .choices = record_policies,
	 .help = "An event whose version is not its wallet's next: store it and record the missing "
			 "range, or stop its partition before it."},
	{.flag = "on-conflict",
	 .environment = "HISTORY_ON_CONFLICT",
	 .type = CONFIG_ENUM,
	 MEMBER(on_conflict),
	 .default_text = "record",
	 .choices = record_policies,
	 .help = "An event that contradicts the one stored under its wallet and version: keep the "
			 "stored one and record both, or stop its partition before it."},
	{.flag = "on-poison",
	 .environment = "HISTORY_ON_POISON",
	 .type = CONFIG_ENUM,
	 MEMBER(on_poison),
	 .default_text = "dlq",
	 .choices = poison_policies,
	 .help = "A record that is no event: send it to the dead letter topic and go on, or apply "
			 "what stands before it and exit with 78."},
	{.flag = "dead-letter-topic",
	 .environment = "HISTORY_DEAD_LETTER_TOPIC",
	 .type = CONFIG_STRING,
	 MEMBER(dead_letter_topic),
	 .value_name = "TOPIC",
	 .help = "Where dead letters go, created if missing; by default the topic's name with .dlq."},
	{.flag = "appliers",
	 .environment = "HISTORY_APPLIERS",
	 .type = CONFIG_INTEGER,
	 MEMBER(appliers),
	 .default_text = "2",
	 .minimum = 1,
	 .maximum = APPLIERS_MAX,
	 .help = "Sessions that write events, side by side, each those of its own partitions."},
	{.flag = "batch-events",
	 .environment = "HISTORY_BATCH_EVENTS",
	 .type = CONFIG_INTEGER,
	 MEMBER(batch_events),
	 .default_text = "4096",
	 .minimum = 1,
	 .maximum = 100000,
	 .help = "Most records in one transaction; an idle system never waits for more."},
	{.flag = "batch-bytes",
	 .environment = "HISTORY_BATCH_BYTES",
	 .type = CONFIG_BYTES,
	 MEMBER(batch_bytes),
	 .default_text = "4MB",
	 .minimum = 1024,
	 .maximum = 268435456,
	 .help =
		 "Most bytes of records in one transaction. Memory holds two batches for each applier."},
	{.flag = "leave-after",
	 .environment = "HISTORY_LEAVE_AFTER",
	 .type = CONFIG_DURATION,
	 MEMBER(leave_after_ms),
	 .default_text = "30s",
	 .minimum = 1000,
	 .maximum = 3600000,
	 .help = "How long PostgreSQL may stay away before the process leaves the group, so that "
			 "another one gets its partitions; it joins again when PostgreSQL answers."},
	{.flag = "topic-interval",
	 .environment = "HISTORY_TOPIC_INTERVAL",
	 .type = CONFIG_DURATION,
	 MEMBER(topic_interval_ms),
	 .default_text = "30s",
	 .minimum = 100,
	 .maximum = 60000,
	 .help = "How often the running history looks whether the topic is still the one that it "
			 "read."},
	{.flag = "accept-loss",
	 .environment = "HISTORY_ACCEPT_LOSS",
	 .type = CONFIG_BOOLEAN,
	 MEMBER(accept_loss),
	 .default_text = "off",
	 .help = "rebuild: swap in what the topic has although the history had more."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption pool_size_options[] = {
	PG_POOL_SIZE_OPTION(PgPoolOptions, size, "4"),
	CONFIG_OPTIONS_END,
};

static const ConfigOption port_options[] = {
	HTTP_PORT_OPTION(HttpOptions, port, "HISTORY_PORT", "3001"),
	CONFIG_OPTIONS_END,
};

static const ConfigGroup groups[] = {
	{"PostgreSQL", pg_options, offsetof(HistoryConfig, pg)},
	{"Kafka", kafka_options, offsetof(HistoryConfig, kafka)},
	{"History", history_options, offsetof(HistoryConfig, history)},
	{"Connections for HTTP reads", pool_size_options, offsetof(HistoryConfig, pool)},
	{NULL, pg_pool_options, offsetof(HistoryConfig, pool)},
	{"HTTP port", port_options, offsetof(HistoryConfig, daemon.http)},
	{"HTTP", http_options, offsetof(HistoryConfig, daemon.http)},
	{NULL, http_token_options, offsetof(HistoryConfig, daemon.http)},
	{"Log", log_options, offsetof(HistoryConfig, daemon.log)},
	{NULL, NULL, 0},
};

#define COMMAND_REBUILD "rebuild"

static const ConfigCommand commands[] = {
	{"run", "apply events from Kafka to the history until asked to stop", NULL},
	{COMMAND_REBUILD, "make the history anew from the whole topic, then swap it in", NULL},
	{NULL, NULL, NULL},
};

bool
history_command_is_rebuild(const ConfigCommand *command)
{
	return command != NULL && strcmp(command->name, COMMAND_REBUILD) == 0;
}

static Status
config_check(const void *checked, const ConfigCommand *command)
{
	const HistoryConfig *config = checked;
	Status status = pg_url_check(config->pg.url);

	(void) command;
	if (status_is_ok(&status) && config->history.dead_letter_topic != NULL &&
		strcmp(config->history.dead_letter_topic, config->kafka.topic) == 0)
		status = status_about(
			status_fatal(EXIT_CODE_CONFIGURATION,
						 "HISTORY_DEAD_LETTER_TOPIC and KAFKA_TOPIC must be two topics"),
			"HISTORY_DEAD_LETTER_TOPIC");
	if (status_is_ok(&status))
		status = kafka_properties_check(&config->kafka.properties);
	if (status_is_ok(&status))
		status = http_options_check(&config->daemon.http);
	return status;
}

const ConfigProgram history_program = {
	.name = "wallet_history",
	.summary = "Applies wallet events from Kafka to transaction_events, each exactly once.",
	.groups = groups,
	.commands = commands,
	.config_bytes = sizeof(HistoryConfig),
	.check = config_check,
	.metrics = history_metrics,
	.metric_count = HISTORY_METRIC_COUNT,
};
