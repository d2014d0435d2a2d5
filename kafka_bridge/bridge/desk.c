/*
 * desk.c
 *		What every sub-command begins with: a connection to PostgreSQL with its facts, one to Kafka
 *		with the recorded position.
 */
#include "desk.h"

#include <inttypes.h>
#include <stdio.h>

#include "repl_stream.h"
#include "topic_reader.h"

Status
desk_open(Desk *desk, const BridgeConfig *config, int stop_fd)
{
	Wait wait = wait_begin(stop_fd, DESK_TIMEOUT_MS);

	*desk = (Desk){.config = config, .stop_fd = stop_fd};

	Status status = pg_connection_open(&config->pg, PG_MODE_REPLICATION, "wallet_bridge command",
									   &wait, &desk->connection);

	if (status_is_ok(&status))
		status = server_facts_gather(desk->connection, config->bridge.slot, &wait, &desk->server);
	if (!status_is_ok(&status))
		return status;
	desk->key.system_id = desk->server.system_id;
	desk->key.database_oid = desk->server.database_oid;
	snprintf(desk->key.slot, sizeof(desk->key.slot), "%s", config->bridge.slot);
	snprintf(desk->source, sizeof(desk->source), "/wallet/%" PRIu64 "/%s", desk->server.system_id,
			 desk->server.database);
	status = topic_reader_open(&config->kafka, &desk->observer, &desk->reader);
	if (status_is_ok(&status))
		status = topic_prepare(desk->reader, config, &wait, &desk->topic);
	if (status_is_ok(&status))
		status = progress_read(desk->reader, config->bridge.progress_topic, &desk->key,
							   config->kafka.topic, &wait, &desk->found);
	return status;
}

void
desk_close(Desk *desk)
{
	topic_reader_close(&desk->reader);
	pg_connection_close(&desk->connection);
}

ProgressRecord
desk_record_make(const Desk *desk)
{
	ProgressRecord record = {
		.state = PROGRESS_STREAMING,
		.generation = desk->found.record.generation + 1,
		.timeline = desk->server.timeline,
		.partition_count = desk->topic.partition_count,
		.options = REPL_STREAM_OPTIONS,
	};

	snprintf(record.topic, sizeof(record.topic), "%s", desk->config->kafka.topic);
	return record;
}
