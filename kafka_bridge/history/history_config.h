/*
 * history_config.h
 *		What wallet_history can be told, and its sub-commands.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "daemon/daemon.h"
#include "kafka/client.h"
#include "postgres/client.h"
#include "postgres/pool.h"

typedef enum HistoryPolicy
{
	POLICY_GO_ON, /* record it, or send it to the dead letters */
	POLICY_STOP
} HistoryPolicy;

typedef struct HistoryOptions
{
	char *group;
	char *dead_letter_topic; /* NULL: the topic's name with .dlq */
	char *source;			 /* with commas between; NULL: none was told */
	int on_gap;				 /* HistoryPolicy */
	int on_conflict;
	int on_poison;
	int64_t appliers;
	int64_t batch_events;
	int64_t batch_bytes;
	int64_t leave_after_ms;
	int64_t topic_interval_ms;
	bool accept_loss; /* of rebuild */
} HistoryOptions;

typedef struct HistoryConfig
{
	DaemonOptions daemon;
	PgOptions pg;
	PgPoolOptions pool; /* of the HTTP reads */
	KafkaOptions kafka;
	HistoryOptions history;
} HistoryConfig;

extern const ConfigProgram history_program;

/* Which of the program's commands was chosen. */
bool history_command_is_rebuild(const ConfigCommand *command);
