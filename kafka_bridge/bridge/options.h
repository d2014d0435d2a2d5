/*
 * options.h
 *		The configuration of wallet_bridge: one struct, one option table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "daemon/daemon.h"
#include "kafka/client.h"
#include "postgres/client.h"

typedef enum Delivery
{
	DELIVERY_IDEMPOTENT,
	DELIVERY_TRANSACTIONAL,
} Delivery;

typedef enum PoisonPolicy
{
	POISON_STOP,
	POISON_DEAD_LETTER,
} PoisonPolicy;

typedef struct BridgeOptions
{
	char *slot;
	char *progress_topic;
	int delivery; /* Delivery */
	int64_t transaction_timeout_ms;
	int start;			 /* StartMode */
	int on_poison;		 /* PoisonPolicy */
	int64_t partitions;	 /* of topics that the bridge creates */
	int64_t replication; /* of topics that the bridge creates; -1: the broker's default */
	bool accept_repartition;
	bool shared_topic; /* other sources publish into the event topic, and it is meant */
	int64_t topic_interval_ms;
	int64_t in_flight_bytes;
	int64_t in_flight_transactions;
	int64_t progress_interval_ms;
	int64_t drain_timeout_ms;
	int64_t standby_interval_ms;
} BridgeOptions;

/* What only some sub-commands take. */
typedef struct CommandOptions
{
	char *from;				 /* backfill: time, inclusive */
	char *to;				 /* backfill: time, exclusive */
	char *wallet;			 /* backfill: only this one */
	char *lsn;				 /* progress set: position; NULL: the slot's confirmed one */
	char *reason;			 /* progress set: for the log */
	char *topic;			 /* backfill: into another topic; NULL: the event topic */
	int64_t rate;			 /* backfill: events a second; 0: no limit */
	bool dry_run;			 /* backfill, dead-letters replay: count only */
	char *id;				 /* dead-letters: only this event's */
	char *dead_letter_topic; /* dead-letters: NULL: <topic>.dlq */
	bool yes;				 /* slot drop: without it nothing is dropped */
} CommandOptions;

typedef struct BridgeConfig
{
	DaemonOptions daemon;
	PgOptions pg;
	KafkaOptions kafka;
	BridgeOptions bridge;
	CommandOptions command;
} BridgeConfig;

extern const ConfigProgram bridge_program;

/* "<topic>.dlq" in text, or NULL where dead letters are not asked for. */
#define DEAD_LETTER_TOPIC_BYTES 260
const char *options_dead_letter_topic(const BridgeConfig *config,
									  char text[DEAD_LETTER_TOPIC_BYTES]);
