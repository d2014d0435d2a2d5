/*
 * command_context.h
 *		What every sub-command begins with: a connection to PostgreSQL with its facts, one to Kafka
 *		with the recorded position.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "backfill.h"
#include "options.h"
#include "kafka_facts.h"
#include "server_facts.h"
#include "base/status.h"

#define COMMAND_TIMEOUT_MS 15000

typedef struct CommandContext
{
	const BridgeConfig *config;
	int stop_fd;
	PGconn *connection; /* mode PG_MODE_REPLICATION */
	ServerFacts server;
	KafkaObserver observer;
	rd_kafka_t *reader; /* of topic_reader_open */
	ProgressKey key;
	KafkaFacts kafka;
	char source[SERVER_SOURCE_BYTES]; /* ce_source */
} CommandContext;

/* What a command wants of the event topic. */
typedef enum CommandTopic
{
	COMMAND_TOPIC_ANY,	 /* looks at it where it is */
	COMMAND_TOPIC_THERE, /* can't do without */
	COMMAND_TOPIC_MADE,	 /* makes it where it is missing */
} CommandTopic;

/* Fills the context; close it in any case. */
Status command_context_open(CommandContext *context, const BridgeConfig *config, CommandTopic topic,
							int stop_fd);
void command_context_close(CommandContext *context);

/* A record for this server, slot and topic with the next generation, but for state and lsn. */
ProgressRecord command_context_record(const CommandContext *context);

/* A backfill by hand into the event topic, but for what it reads. */
BackfillPlan command_context_backfill(const CommandContext *context,
									  char dead_letters[DEAD_LETTER_TOPIC_BYTES]);

/* Takes back a record that no other could follow, so that the next one counts. */
Status command_context_mend(const CommandContext *context);
