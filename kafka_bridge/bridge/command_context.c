/*
 * command_context.c
 *		What every sub-command begins with: a connection to PostgreSQL with its facts, one to Kafka
 *		with the recorded position.
 */
#include "command_context.h"

#include "kafka/topic_reader.h"

Status
command_context_open(CommandContext *context, const BridgeConfig *config, CommandTopic topic,
					 int stop_fd)
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
	server_facts_name(&context->server, config->bridge.slot, &context->key, context->source);
	status = topic_reader_open(&config->kafka, &context->observer, &context->reader);
	if (status_is_ok(&status))
		status = kafka_facts_gather(&(KafkaQuestion){.reader = context->reader,
													 .config = config,
													 .key = &context->key,
													 .source = context->source,
													 .slot = &context->server.slot,
													 .making = topic == COMMAND_TOPIC_MADE
																   ? TOPIC_MAKE_ALWAYS
																   : TOPIC_MAKE_NEVER},
									&wait, &context->kafka);
	if (status_is_ok(&status) && topic == COMMAND_TOPIC_THERE &&
		context->kafka.topic.partition_count == 0)
		status =
			status_fatal(EXIT_CODE_CONFIGURATION,
						 "topic \"%s\" does not exist: the bridge makes it at its first start, "
						 "\"wallet_bridge progress set\" at a later time",
						 config->kafka.topic);
	return status;
}

void
command_context_close(CommandContext *context)
{
	kafka_facts_free(&context->kafka);
	topic_reader_close(&context->reader);
	pg_connection_close(&context->connection);
}

ProgressRecord
command_context_record(const CommandContext *context)
{
	ProgressRecord record =
		kafka_facts_record(&context->kafka, context->config->kafka.topic, context->server.timeline);

	/* Said by hand: what other sources published until now is accepted. */
	record.since_ms = kafka_facts_now_ms(&context->kafka);
	return record;
}

Status
command_context_mend(const CommandContext *context)
{
	Wait wait = wait_begin(context->stop_fd, COMMAND_TIMEOUT_MS);

	if (context->kafka.found.record.generation < PROGRESS_GENERATION_MAX)
		return status_ok();
	return progress_write(&context->config->kafka, context->config->bridge.progress_topic,
						  &context->key, NULL, &wait);
}

BackfillPlan
command_context_backfill(const CommandContext *context, char dead_letters[DEAD_LETTER_TOPIC_BYTES])
{
	const BridgeConfig *config = context->config;

	return (BackfillPlan){
		.schema = context->server.schema,
		.publisher = {.kafka = &config->kafka,
					  .progress_topic = config->bridge.progress_topic,
					  .dead_letter_topic = options_dead_letter_topic(config, dead_letters),
					  .source = context->source,
					  .partition_count = context->kafka.topic.partition_count,
					  .message_bytes_max = context->kafka.topic.survey.message_bytes_max},
		.bytes_max = (uint64_t) config->bridge.in_flight_bytes,
		.dead_letters = config->bridge.on_poison == POISON_DEAD_LETTER,
		.dry_run = config->command.dry_run,
		.rate = config->command.rate,
		.stop_fd = context->stop_fd,
	};
}
