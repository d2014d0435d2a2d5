/*
 * desk.h
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

#define DESK_TIMEOUT_MS	  15000
#define DESK_SOURCE_BYTES (SERVER_NAME_BYTES + 64)

typedef struct Desk
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
	char source[DESK_SOURCE_BYTES]; /* ce_source */
} Desk;

/* Fills the desk; close it in any case. */
Status desk_open(Desk *desk, const BridgeConfig *config, int stop_fd);
void desk_close(Desk *desk);

/* A record for this server, slot and topic with the next generation, but for state and lsn. */
ProgressRecord desk_record_make(const Desk *desk);
