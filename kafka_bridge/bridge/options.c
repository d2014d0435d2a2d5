/*
 * options.c
 *		The configuration of wallet_bridge: one struct, one option table.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "bridge_metrics.h"
#include "startup_check.h"

#define SLOT_NAME_BYTES_MAX	 63
#define TOPIC_NAME_BYTES_MAX 240 /* Kafka's 249, less what is appended for the dead letters */

static const ConfigChoice deliveries[] = {{"idempotent", DELIVERY_IDEMPOTENT},
										  {"transactional", DELIVERY_TRANSACTIONAL},
										  {NULL, 0}};
static const ConfigChoice starts[] = {{"refuse", START_REFUSE},
									  {"backfill", START_BACKFILL},
									  {"now", START_NOW},
									  {NULL, 0}};
static const ConfigChoice policies[] = {{"stop", POISON_STOP},
										{"dlq", POISON_DEAD_LETTER},
										{NULL, 0}};

#define MEMBER(member) .offset = offsetof(BridgeOptions, member)

static const ConfigOption bridge_options[] = {
	{.flag = "slot",
	 .environment = "BRIDGE_SLOT",
	 .type = CONFIG_STRING,
	 MEMBER(slot),
	 .default_text = "wallet_bridge",
	 .value_name = "NAME",
	 .help = "Replication slot; also names the recorded position. Created on the first start."},
	{.flag = "delivery",
	 .environment = "BRIDGE_DELIVERY",
	 .type = CONFIG_ENUM,
	 MEMBER(delivery),
	 .default_text = "idempotent",
	 .choices = deliveries,
	 .help = "idempotent: lowest latency, a second copy of an event only after a crash or a "
			 "reconnect. transactional: Kafka transactions, never a second copy for who reads with "
			 "isolation.level=read_committed; later by some milliseconds."},
	{.flag = "transaction-timeout",
	 .environment = "BRIDGE_TRANSACTION_TIMEOUT",
	 .type = CONFIG_DURATION,
	 MEMBER(transaction_timeout_ms),
	 .default_text = "10s",
	 .minimum = 1000,
	 .maximum = 50000,
	 .help =
		 "With transactional delivery: the brokers abort a Kafka transaction that takes longer. "
		 "For so long can a bridge that died keep readers waiting, if none follows."},
	{.flag = "start",
	 .environment = "BRIDGE_START",
	 .type = CONFIG_ENUM,
	 MEMBER(start),
	 .default_text = "refuse",
	 .choices = starts,
	 .help = "First start on a ledger that has rows: refuse, publish them too (backfill), or only "
			 "what is committed from now on (now). Without effect on later starts."},
	{.flag = "on-poison",
	 .environment = "BRIDGE_ON_POISON",
	 .type = CONFIG_ENUM,
	 MEMBER(on_poison),
	 .default_text = "stop",
	 .choices = policies,
	 .help = "An event that cannot be published (too large, unreadable): stop the bridge, or send "
			 "its id and the reason to <topic>.dlq and go on."},
	{.flag = "partitions",
	 .environment = "BRIDGE_PARTITIONS",
	 .type = CONFIG_INTEGER,
	 MEMBER(partitions),
	 .default_text = "6",
	 .minimum = 1,
	 .maximum = 10000,
	 .help = "Partitions of the event topic when the bridge creates it."},
	{.flag = "replication",
	 .environment = "BRIDGE_REPLICATION",
	 .type = CONFIG_INTEGER,
	 MEMBER(replication),
	 .default_text = "-1",
	 .minimum = -1,
	 .maximum = 100,
	 .help = "Copies of each topic that the bridge creates; -1 leaves it to the brokers."},
	{.flag = "progress-topic",
	 .environment = "BRIDGE_PROGRESS_TOPIC",
	 .type = CONFIG_STRING,
	 MEMBER(progress_topic),
	 .default_text = "wallet-bridge-progress",
	 .value_name = "TOPIC",
	 .help = "Compacted topic with one partition, where the position is recorded."},
	{.flag = "accept-repartition",
	 .environment = "BRIDGE_ACCEPT_REPARTITION",
	 .type = CONFIG_BOOLEAN,
	 MEMBER(accept_repartition),
	 .default_text = "off",
	 .help = "Go on although the event topic's number of partitions changed: later events of a "
			 "wallet may overtake earlier ones that consumers have not read yet."},
	{.flag = "shared-topic",
	 .environment = "BRIDGE_SHARED_TOPIC",
	 .type = CONFIG_BOOLEAN,
	 MEMBER(shared_topic),
	 .default_text = "off",
	 .help =
		 "Publish into a topic that has events of other databases as well: whoever reads it must "
		 "tell them apart by ce_source. Without it such a topic is refused."},
	{.flag = "topic-interval",
	 .environment = "BRIDGE_TOPIC_INTERVAL",
	 .type = CONFIG_DURATION,
	 MEMBER(topic_interval_ms),
	 .default_text = "30s",
	 .minimum = 100,
	 .maximum = 60000,
	 .help =
		 "How often a running bridge looks whether the event topic is still the same one, and how "
		 "it is configured."},
	{.flag = "in-flight-bytes",
	 .environment = "BRIDGE_IN_FLIGHT_BYTES",
	 .type = CONFIG_BYTES,
	 MEMBER(in_flight_bytes),
	 .default_text = "32MB",
	 .minimum = 65536,
	 .maximum = 2147483648,
	 .help = "Memory for events that Kafka has not acknowledged; reading pauses beyond it."},
	{.flag = "in-flight-transactions",
	 .environment = "BRIDGE_IN_FLIGHT_TRANSACTIONS",
	 .type = CONFIG_INTEGER,
	 MEMBER(in_flight_transactions),
	 .default_text = "20000",
	 .minimum = 4,
	 .maximum = 10000000,
	 .help = "Transactions that Kafka has not acknowledged whole; reading pauses beyond it."},
	{.flag = "progress-interval",
	 .environment = "BRIDGE_PROGRESS_INTERVAL",
	 .type = CONFIG_DURATION,
	 MEMBER(progress_interval_ms),
	 .default_text = "1s",
	 .minimum = 10,
	 .maximum = 60000,
	 .help = "How often the position is recorded in Kafka and confirmed to PostgreSQL."},
	{.flag = "drain-timeout",
	 .environment = "BRIDGE_DRAIN_TIMEOUT",
	 .type = CONFIG_DURATION,
	 MEMBER(drain_timeout_ms),
	 .default_text = "20s",
	 .minimum = 0,
	 .maximum = 3600000,
	 .help = "When asked to stop: how long to wait for acknowledgements. What is not acknowledged "
			 "by then is published again after the next start."},
	{.flag = "standby-interval",
	 .environment = "BRIDGE_STANDBY_INTERVAL",
	 .type = CONFIG_DURATION,
	 MEMBER(standby_interval_ms),
	 .default_text = "1s",
	 .minimum = 10,
	 .maximum = 60000,
	 .help = "How often a bridge on standby looks whether the slot is free."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption port_options[] = {
	HTTP_PORT_OPTION(HttpOptions, port, "BRIDGE_PORT", "3002"),
	CONFIG_OPTIONS_END,
};

static const ConfigGroup groups[] = {
	{"PostgreSQL", pg_options, offsetof(BridgeConfig, pg)},
	{"Kafka", kafka_options, offsetof(BridgeConfig, kafka)},
	{"Bridge", bridge_options, offsetof(BridgeConfig, bridge)},
	{"HTTP port", port_options, offsetof(BridgeConfig, daemon.http)},
	{"HTTP", http_options, offsetof(BridgeConfig, daemon.http)},
	{"Log", log_options, offsetof(BridgeConfig, daemon.log)},
	{NULL, NULL, 0},
};

#define COMMAND_MEMBER(member) .offset = offsetof(BridgeConfig, command.member)

static const ConfigOption backfill_options[] = {
	{.flag = "from",
	 .type = CONFIG_STRING,
	 .required = true,
	 COMMAND_MEMBER(from),
	 .value_name = "TIME",
	 .help = "First created_at to publish, in any form PostgreSQL reads."},
	{.flag = "to",
	 .type = CONFIG_STRING,
	 .required = true,
	 COMMAND_MEMBER(to),
	 .value_name = "TIME",
	 .help = "First created_at not to publish any more; now is a good end."},
	{.flag = "wallet",
	 .type = CONFIG_STRING,
	 COMMAND_MEMBER(wallet),
	 .value_name = "ID",
	 .help = "Publish only this wallet's events."},
	{.flag = "rate",
	 .type = CONFIG_INTEGER,
	 COMMAND_MEMBER(rate),
	 .default_text = "0",
	 .minimum = 0,
	 .maximum = 10000000,
	 .help = "Events a second, so that consumers keep up; 0 is no limit."},
	{.flag = "topic",
	 .type = CONFIG_STRING,
	 COMMAND_MEMBER(topic),
	 .value_name = "NAME",
	 .help = "Publish into this topic, which must exist, instead of the event topic."},
	{.flag = "dry-run",
	 .type = CONFIG_BOOLEAN,
	 COMMAND_MEMBER(dry_run),
	 .default_text = "off",
	 .help = "Say how many events it would be, and publish nothing."},
	CONFIG_OPTIONS_END,
};

#define DEAD_LETTER_OPTIONS                                                                    \
	{.flag = "id",                                                                             \
	 .type = CONFIG_STRING,                                                                    \
	 COMMAND_MEMBER(id),                                                                       \
	 .value_name = "EVENT_ID",                                                                 \
	 .help = "Only the dead letters of this event."},                                          \
	{                                                                                          \
		.flag = "dead-letter-topic", .type = CONFIG_STRING, COMMAND_MEMBER(dead_letter_topic), \
		.value_name = "NAME",                                                                  \
		.help = "Where the dead letters are; by default the topic's name with .dlq."           \
	}

static const ConfigOption dead_letters_list_options[] = {
	DEAD_LETTER_OPTIONS,
	CONFIG_OPTIONS_END,
};

static const ConfigOption dead_letters_replay_options[] = {
	DEAD_LETTER_OPTIONS,
	{.flag = "dry-run",
	 .type = CONFIG_BOOLEAN,
	 COMMAND_MEMBER(dry_run),
	 .default_text = "off",
	 .help = "Say how many events it would be, and publish nothing."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption slot_drop_options[] = {
	{.flag = "yes",
	 .type = CONFIG_BOOLEAN,
	 COMMAND_MEMBER(yes),
	 .default_text = "off",
	 .help = "Really drop it: what is committed until a new slot exists is not streamed."},
	CONFIG_OPTIONS_END,
};

static const ConfigOption progress_set_options[] = {
	{.flag = "lsn",
	 .type = CONFIG_STRING,
	 COMMAND_MEMBER(lsn),
	 .value_name = "POSITION",
	 .help = "WAL position to record, as in 0/16B3748; the slot's confirmed position by default."},
	{.flag = "reason",
	 .type = CONFIG_STRING,
	 .required = true,
	 COMMAND_MEMBER(reason),
	 .value_name = "TEXT",
	 .help = "Why, for the log."},
	CONFIG_OPTIONS_END,
};

static const ConfigCommand commands[] = {
	{"run", "stream committed entries to Kafka until asked to stop", NULL},
	{"status", "print slot, recorded position and lag", NULL},
	{"verify", "compare the ledger with the topic, event by event", NULL},
	{"backfill", "publish ledger rows again, same ids, without touching the slot",
	 backfill_options},
	{"dead-letters list", "print what could not be published or applied, and why",
	 dead_letters_list_options},
	{"dead-letters replay", "publish the events of dead letters again, from the ledger",
	 dead_letters_replay_options},
	{"slot create", "create the slot at the present end of WAL and record its position", NULL},
	{"slot drop", "drop the slot and forget the recorded position", slot_drop_options},
	{"progress show", "print the recorded position", NULL},
	{"progress set", "record a position: accepts what the start-up checks refuse",
	 progress_set_options},
	{NULL, NULL, NULL},
};

/*
 * Slot names go into commands that take no parameters: PostgreSQL's own rule keeps them harmless.
 */
static Status
slot_name_check(const char *slot)
{
	size_t bytes = strlen(slot);

	if (bytes == 0 || bytes > SLOT_NAME_BYTES_MAX ||
		strspn(slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != bytes)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"BRIDGE_SLOT must be 1 to %d lower case letters, digits and "
							"underscores, not \"%s\"",
							SLOT_NAME_BYTES_MAX, slot);
	return status_ok();
}

static Status
topic_name_check(const char *option, const char *topic)
{
	size_t bytes = strlen(topic);

	if (bytes == 0 || bytes > TOPIC_NAME_BYTES_MAX ||
		strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != bytes)
		return status_about(
			status_fatal(EXIT_CODE_CONFIGURATION,
						 "%s must be 1 to %d letters, digits, '.', '_' and '-', not \"%s\"", option,
						 TOPIC_NAME_BYTES_MAX, topic),
			option);
	return status_ok();
}

static Status
config_check(const void *checked, const ConfigCommand *command)
{
	const BridgeConfig *config = checked;
	Status status = status_about(slot_name_check(config->bridge.slot), "BRIDGE_SLOT");

	(void) command;
	if (status_is_ok(&status))
		status = topic_name_check("KAFKA_TOPIC", config->kafka.topic);
	if (status_is_ok(&status))
		status = topic_name_check("BRIDGE_PROGRESS_TOPIC", config->bridge.progress_topic);
	if (status_is_ok(&status) && strcmp(config->kafka.topic, config->bridge.progress_topic) == 0)
		status =
			status_about(status_fatal(EXIT_CODE_CONFIGURATION,
									  "KAFKA_TOPIC and BRIDGE_PROGRESS_TOPIC must be two topics"),
						 "KAFKA_TOPIC");
	if (status_is_ok(&status))
		status = pg_url_check(config->pg.url);
	if (status_is_ok(&status))
		status = kafka_properties_check(&config->kafka.properties);
	return status;
}

const ConfigProgram bridge_program = {
	.name = "wallet_bridge",
	.summary = "Streams every committed entry of the wallet ledger from PostgreSQL's WAL to Kafka.",
	.groups = groups,
	.commands = commands,
	.config_bytes = sizeof(BridgeConfig),
	.check = config_check,
	.metrics = bridge_metrics,
	.metric_count = BRIDGE_METRIC_COUNT,
};

const char *
options_dead_letter_topic(const BridgeConfig *config, char text[DEAD_LETTER_TOPIC_BYTES])
{
	if (config->bridge.on_poison != POISON_DEAD_LETTER)
		return NULL;
	snprintf(text, DEAD_LETTER_TOPIC_BYTES, "%s.dlq", config->kafka.topic);
	return text;
}
