/*
 * command_context.c
 *		What every sub-command begins with: a connection to PostgreSQL with its facts, one to Kafka
 *		with the recorded position.
 */
#include "command_context.h"

#include <inttypes.h>
#include <stdio.h>

#include "repl_stream.h"
#include "topic_reader.h"

Status
command_context_open(CommandContext *context, const BridgeConfig *config, int stop_fd)
{
	Wait wait = wait_begin(stop_fd, COMMAND_TIMEOUT_MS);

	*context = (CommandContext){.config = config, .stop_fd = stop_fd};

	Status status = pg_connection_open(&config->pg, PG_MODE_REPLICATION, "wallet_bridge command",
									   &wait, &context->connection);

	if (status_is_ok(&status))
		status =
			server_facts_gather(context->connection, config->bridge.slot, &wait, &context->server);
	if (!status_is_ok(&status))
		return status;
	context->key.system_id = context->server.system_id;
	context->key.database_oid = context->server.database_oid;
	snprintf(context->key.slot, sizeof(context->key.slot), "%s", config->bridge.slot);
	snprintf(context->source, sizeof(context->source), "/wallet/%" PRIu64 "/%s",
			 context->server.system_id, context->server.database);
	status = topic_reader_open(&config->kafka, &context->observer, &context->reader);
	if (status_is_ok(&status))
		status = topic_prepare(context->reader, config, &wait, &context->topic);
	if (status_is_ok(&status))
		status = progress_read(context->reader, config->bridge.progress_topic, &context->key,
							   config->kafka.topic, &wait, &context->found);
	return status;
}

void
command_context_close(CommandContext *context)
{
	topic_reader_close(&context->reader);
	pg_connection_close(&context->connection);
}

ProgressRecord
command_context_record(const CommandContext *context)
{
	ProgressRecord record = {
		.state = PROGRESS_STREAMING,
		.generation = context->found.record.generation + 1,
		.timeline = context->server.timeline,
		.partition_count = context->topic.partition_count,
		.options = REPL_STREAM_OPTIONS,
	};

	snprintf(record.topic, sizeof(record.topic), "%s", context->config->kafka.topic);
	return record;
}
