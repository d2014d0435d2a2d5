/*
 * command_context.h
 *		What every sub-command begins with: a connection to PostgreSQL with its facts, one to Kafka
 *		with the recorded position.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "options.h"
#include "progress.h"
#include "server_facts.h"
#include "base/status.h"
#include "topic.h"

#define COMMAND_TIMEOUT_MS	 15000
#define COMMAND_SOURCE_BYTES (SERVER_NAME_BYTES + 64)

typedef struct CommandContext
{
	const BridgeConfig *config;
	int stop_fd;
	PGconn *connection; /* mode PG_MODE_REPLICATION */
	ServerFacts server;
	KafkaObserver observer;
	rd_kafka_t *reader; /* of topic_reader_open */
	TopicFacts topic;
	ProgressKey key;
	ProgressFound found;
	char source[COMMAND_SOURCE_BYTES]; /* ce_source */
} CommandContext;

/* Fills the context; close it in any case. */
Status command_context_open(CommandContext *context, const BridgeConfig *config, int stop_fd);
void command_context_close(CommandContext *context);

/* A record for this server, slot and topic with the next generation, but for state and lsn. */
ProgressRecord command_context_record(const CommandContext *context);
