/*
 * commands.c
 *		The sub-commands: what an operator does by hand. Each prints its answer on standard output.
 *
 * Those that change something refuse while a bridge is streaming: it would overwrite the position,
 * or be left with a slot that is not its own.
 */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backfill.h"
#include "base/clock.h"
#include "command_context.h"
#include "observe/log.h"
#include "lsn.h"
#include "setup.h"
#include "slot.h"
#include "wallet_event.h"

static void
record_print(const CommandContext *context)
{
	const ProgressRecord *record = &context->kafka.found.record;
	char lsn[LSN_TEXT_BYTES];

	if (context->kafka.found.damaged)
		printf("recorded position: cannot be read or is out of bounds\n");
	else if (!context->kafka.found.exists)
		printf("recorded position: none\n");
	else if (record->state == PROGRESS_SETUP)
		printf("recorded position: none, set-up was not finished (generation %" PRId64 ")\n",
			   record->generation);
	else
		printf("recorded position: %s, timeline %" PRIu32 ", %d partitions, generation %" PRId64
			   "\n",
			   lsn_write(record->lsn, lsn), record->timeline, record->partition_count,
			   record->generation);
	if (record->inside.end_lsn != 0)
		printf("                   and %" PRIu32 " events of the commit that ends at %s\n",
			   record->inside.events, lsn_write(record->inside.end_lsn, lsn));
}

static void
slot_print(const CommandContext *context)
{
	const SlotFacts *slot = &context->server.slot;
	char confirmed[LSN_TEXT_BYTES];
	char wal_end[LSN_TEXT_BYTES];

	if (!slot->exists)
	{
		printf("slot:              %s does not exist\n", context->config->bridge.slot);
		return;
	}
	printf("slot:              %s, %s%s\n", context->config->bridge.slot,
		   slot->active ? "active" : "not active", slot->lost ? ", lost" : "");
	printf("confirmed:         %s, server's WAL ends at %s, lag %" PRIu64 " bytes\n",
		   lsn_write(slot->confirmed, confirmed), lsn_write(context->server.wal_end, wal_end),
		   context->server.wal_end > slot->confirmed ? context->server.wal_end - slot->confirmed
													 : 0);
}

static void
topic_print(const CommandContext *context)
{
	const KafkaFacts *kafka = &context->kafka;
	const char *topic = context->config->kafka.topic;
	Status judged = startup_topic_judge(kafka->state, topic);

	if (kafka->topic.partition_count == 0)
		printf("topic:             %s does not exist\n", topic);
	else
		printf("topic:             %s, %d partitions\n", topic, kafka->topic.partition_count);
	if (kafka->found.exists && !status_is_ok(&judged))
		printf("                   %s\n", judged.text);
	for (int problem = 0; problem < TOPIC_PROBLEM_COUNT; problem++)
		if (kafka->topic.survey.problems[problem])
			printf("                   %s\n", topic_problem_text((TopicProblem) problem));
}

Status
command_status(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Status status = command_context_open(&context, config, COMMAND_TOPIC_ANY, stop_fd);

	if (status_is_ok(&status))
	{
		printf("database:          %s, system %" PRIu64 ", timeline %" PRIu32 "\n",
			   context.server.database, context.server.system_id, context.server.timeline);
		topic_print(&context);
		slot_print(&context);
		record_print(&context);
	}
	command_context_close(&context);
	return status;
}

Status
command_progress_show(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Status status = command_context_open(&context, config, COMMAND_TOPIC_ANY, stop_fd);

	if (status_is_ok(&status))
		record_print(&context);
	command_context_close(&context);
	return status;
}

static Status
bridge_refuse_active(const CommandContext *context)
{
	if (context->server.slot.active)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"slot \"%s\" is being streamed from: stop the bridge first",
							context->config->bridge.slot);
	return status_ok();
}

static Status
position_choose(const CommandContext *context, uint64_t *lsn)
{
	const char *text = context->config->command.lsn;

	if (text != NULL && !lsn_read(text, lsn))
		return status_fatal(EXIT_CODE_USAGE,
							"--lsn must be a WAL position as in 0/16B3748, not "
							"\"%s\"",
							text);
	if (text == NULL && !context->server.slot.exists)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"slot \"%s\" does not exist: create it with \"wallet_bridge slot "
							"create\", which records its position",
							context->config->bridge.slot);
	if (text == NULL)
		*lsn = context->server.slot.confirmed;
	if (context->server.slot.exists && *lsn < context->server.slot.confirmed)
	{
		char confirmed[LSN_TEXT_BYTES];

		return status_fatal(
			EXIT_CODE_CONFIGURATION,
			"slot \"%s\" is confirmed up to %s and cannot go back; publish what lies "
			"before with \"wallet_bridge backfill\"",
			context->config->bridge.slot, lsn_write(context->server.slot.confirmed, confirmed));
	}
	if (*lsn > context->server.wal_end)
		return status_fatal(EXIT_CODE_CONFIGURATION, "the server's WAL does not reach that far");
	return status_ok();
}

/* A record ahead of the slot is a hint only: what is said by hand must hold. */
static Status
slot_follow(const CommandContext *context, uint64_t lsn)
{
	char text[LSN_TEXT_BYTES];
	char sql[256];
	PGresult *result = NULL;
	Wait wait = wait_begin(context->stop_fd, WAIT_FOREVER);

	if (lsn <= context->server.slot.confirmed)
		return status_ok();
	snprintf(sql, sizeof(sql), "SELECT pg_catalog.pg_replication_slot_advance('%s', '%s')",
			 context->config->bridge.slot, lsn_write(lsn, text));

	Status status =
		pg_query_run(context->connection, &wait,
					 &(PgQuery){.sql = sql, .column_count = 1, .one_row = true}, &result);

	PQclear(result);
	return status_prefix(status, "could not move slot \"%s\" to the position",
						 context->config->bridge.slot);
}

Status
command_progress_set(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Wait wait = wait_begin(stop_fd, COMMAND_TIMEOUT_MS);
	uint64_t lsn = 0;
	Status status = command_context_open(&context, config, COMMAND_TOPIC_MADE, stop_fd);

	if (status_is_ok(&status))
		status = bridge_refuse_active(&context);
	if (status_is_ok(&status))
		status = position_choose(&context, &lsn);
	if (status_is_ok(&status))
		status = command_context_mend(&context);
	if (status_is_ok(&status))
	{
		ProgressRecord record = command_context_record(&context);

		record.lsn = lsn;
		status = progress_write(&config->kafka, config->bridge.progress_topic, &context.key,
								&record, &wait);
		if (status_is_ok(&status))
			status = slot_follow(&context, lsn);
		if (status_is_ok(&status))
		{
			log_warning("position set by hand", log_lsn("from", context.kafka.found.record.lsn),
						log_lsn("to", lsn), log_text("reason", config->command.reason));
			context.kafka.found.record = record;
			context.kafka.found.exists = true;
			context.kafka.found.damaged = false;
			record_print(&context);
		}
	}
	command_context_close(&context);
	return status;
}

Status
command_slot_create(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Wait wait = wait_begin(stop_fd, WAIT_FOREVER);
	char lsn[LSN_TEXT_BYTES];
	Status status = command_context_open(&context, config, COMMAND_TOPIC_MADE, stop_fd);

	if (status_is_ok(&status))
		status = setup_lock(context.connection, config->bridge.slot, stop_fd);
	/* Whoever had the lock may have made it. */
	if (status_is_ok(&status))
		status =
			server_facts_gather(context.connection, config->bridge.slot, &wait, &context.server);
	if (status_is_ok(&status) && context.server.slot.exists)
		status = status_fatal(EXIT_CODE_CONFIGURATION, "slot \"%s\" exists already",
							  config->bridge.slot);
	if (status_is_ok(&status))
		status = command_context_mend(&context);
	if (status_is_ok(&status))
		status = setup_run(&(SetupPlan){.config = config,
										.watch = context.connection,
										.server = &context.server,
										.key = context.key,
										.record = command_context_record(&context),
										.start = START_NOW,
										.stop_fd = stop_fd});
	if (status_is_ok(&status))
		status =
			server_facts_gather(context.connection, config->bridge.slot, &wait, &context.server);
	if (status_is_ok(&status))
		printf("slot %s created, streaming begins at %s\n", config->bridge.slot,
			   lsn_write(context.server.slot.confirmed, lsn));
	command_context_close(&context);
	return status;
}

/* Whatever its state: a lost slot is what is dropped most. */
static Status
slot_refuse_foreign(const CommandContext *context)
{
	const SlotFacts *slot = &context->server.slot;

	if (!slot->exists ||
		(slot->logical && slot->same_database && strcmp(slot->plugin, WALLET_DECODER_NAME) == 0))
		return status_ok();
	return status_fatal(EXIT_CODE_CONFIGURATION,
						"slot \"%s\" is no slot of the wallet in database \"%s\": it %s",
						context->config->bridge.slot, context->server.database,
						!slot->logical		   ? "is a physical one"
						: !slot->same_database ? "decodes another database"
											   : "uses another output plugin");
}

Status
command_slot_drop(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Wait wait = wait_begin(stop_fd, COMMAND_TIMEOUT_MS);
	Status status = command_context_open(&context, config, COMMAND_TOPIC_ANY, stop_fd);

	if (status_is_ok(&status) && !config->command.yes)
		status = status_fatal(EXIT_CODE_USAGE,
							  "this drops slot \"%s\" and forgets the recorded position: what is "
							  "committed until a new slot exists is not streamed; say --yes",
							  config->bridge.slot);
	if (status_is_ok(&status))
		status = slot_refuse_foreign(&context);
	if (status_is_ok(&status))
		status = bridge_refuse_active(&context);
	/*
	 * The position first: a slot without a record is adopted, a record without a slot is refused.
	 */
	if (status_is_ok(&status))
		status = progress_write(&config->kafka, config->bridge.progress_topic, &context.key, NULL,
								&wait);
	if (status_is_ok(&status))
		status = slot_drop(context.connection, config->bridge.slot, &wait);
	if (status_is_ok(&status))
		printf("slot %s %s\n", config->bridge.slot,
			   context.server.slot.exists ? "dropped" : "did not exist");
	command_context_close(&context);
	return status;
}

/* How far a backfill is: its events are in order of time. */
typedef struct BackfillView
{
	int64_t from; /* microseconds since 1970 */
	int64_t to;
	bool terminal;
} BackfillView;

static void
backfill_draw(void *context, int64_t events, int64_t created_at)
{
	static const char bar[] = "########################################";
	const BackfillView *view = context;
	int64_t span = view->to - view->from;
	double part = span > 0 ? (double) (created_at - view->from) / (double) span : 1;

	if (!view->terminal)
		return;
	if (part < 0)
		part = 0;
	if (part > 1)
		part = 1;
	fprintf(stderr, "\r[%-40.*s] %3d%% %" PRId64 " events ", (int) (part * 40), bar,
			(int) (part * 100), events);
}

/* Opens the transaction that is read from, and learns what the times mean. */
static Status
backfill_begin(const BridgeConfig *config, const Wait *wait, PGconn **connection,
			   BackfillView *view)
{
	const char *const values[] = {config->command.from, config->command.to, config->command.wallet};
	PGresult *result = NULL;
	Status status =
		pg_connection_open(&config->pg, PG_MODE_NORMAL, "wallet_bridge backfill", wait, connection);

	if (status_is_ok(&status))
		status = pg_query_run(
			*connection, wait,
			&(PgQuery){.sql = "SELECT (EXTRACT(EPOCH FROM GREATEST($1::timestamptz, '1970-01-01'))"
							  " * 1000000)::bigint, (EXTRACT(EPOCH FROM LEAST($2::timestamptz, "
							  "pg_catalog.now())) * 1000000)::bigint, $3::uuid, "
							  "$1::timestamptz < $2::timestamptz",
					   .parameter_count = 3,
					   .values = values,
					   .column_count = 4,
					   .one_row = true},
			&result);
	if (pg_status_is_data_error(&status))
		status.exit_code = EXIT_CODE_USAGE;
	if (!status_is_ok(&status))
		return status;
	view->from = atoll(PQgetvalue(result, 0, 0));
	view->to = atoll(PQgetvalue(result, 0, 1));
	if (PQgetvalue(result, 0, 3)[0] != 't')
		status = status_fatal(EXIT_CODE_USAGE, "--from must be before --to");
	PQclear(result);
	if (!status_is_ok(&status))
		return status;
	return pg_command_run(*connection, wait, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

/* Another topic has other partitions and limits; it is never made here. */
static Status
backfill_target_find(const CommandContext *context, PublisherPlan *publisher)
{
	const char *topic = publisher->kafka->topic;
	Wait wait = wait_begin(context->stop_fd, COMMAND_TIMEOUT_MS);
	TopicFacts facts;

	if (strcmp(topic, context->config->kafka.topic) == 0)
		return status_ok();

	Status status = topic_find(context->reader, topic, &wait, &facts);

	if (status_is_ok(&status) && facts.partition_count == 0)
		status = status_fatal(EXIT_CODE_CONFIGURATION, "topic \"%s\" does not exist", topic);
	publisher->partition_count = facts.partition_count;
	publisher->message_bytes_max = facts.survey.message_bytes_max;
	return status;
}

static Status
backfill_publish(const CommandContext *context, PGconn *connection, BackfillView *view)
{
	const BridgeConfig *config = context->config;
	char dead_letters[DEAD_LETTER_TOPIC_BYTES];
	BackfillCounts counts = {0};
	int64_t begun_us = clock_monotonic_us();
	BackfillPlan plan = command_context_backfill(context, dead_letters);
	KafkaOptions elsewhere = config->kafka;

	plan.connection = connection;
	plan.range = (LedgerRange){config->command.from, config->command.to, config->command.wallet};
	plan.tick = backfill_draw;
	plan.context = view;
	if (config->command.topic != NULL)
	{
		elsewhere.topic = config->command.topic;
		plan.publisher.kafka = &elsewhere;
	}

	Status status = backfill_target_find(context, &plan.publisher);

	if (status_is_ok(&status))
		status = backfill_run(&plan, &counts);

	if (status_is_ok(&status))
		backfill_draw(view, counts.events, view->to);
	if (view->terminal)
		fprintf(stderr, "\n");
	if (!status_is_ok(&status))
		return status;
	if (config->command.dry_run)
		printf("%" PRId64 " events would be published, %" PRId64 " bytes", counts.events,
			   counts.bytes);
	else
		printf("%" PRId64 " events published in %.1f s", counts.events,
			   (double) (clock_monotonic_us() - begun_us) / 1e6);
	if (counts.dead_letters > 0)
		printf(", %" PRId64 " sent to the dead letters", counts.dead_letters);
	printf("\n");
	return status;
}

Status
command_backfill(const BridgeConfig *config, int stop_fd)
{
	CommandContext context;
	Wait wait = wait_begin(stop_fd, COMMAND_TIMEOUT_MS);
	BackfillView view = {.terminal = isatty(STDERR_FILENO) == 1};
	PGconn *connection = NULL;
	Status status = command_context_open(&context, config, COMMAND_TOPIC_THERE, stop_fd);

	if (status_is_ok(&status))
		status = backfill_begin(config, &wait, &connection, &view);
	if (status_is_ok(&status))
		status = backfill_publish(&context, connection, &view);
	pg_connection_close(&connection);
	command_context_close(&context);
	return status;
}
