/*
 * rebuild.c
 *		Reads every partition from its first record to the end it had at the start, without a group,
 *		and applies it with the daemon's own applier to tables of the session.
 *
 * Poison is passed over: it went to the dead letters when it was first read, and what it should
 * have been is recorded as a gap here too.
 */
#include "rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applier.h"
#include "base/clock.h"
#include "event_credible.h"
#include "event_reader.h"
#include "event_source.h"
#include "intake.h"
#include "kafka/topic.h"
#include "observe/log.h"
#include "rebuild_ledger.h"
#include "rebuild_tables.h"
#include "server_clock.h"
#include "base/signals.h"
#include "subscriber.h"

#define OWNER				 "wallet_history-rebuild"
#define TOPIC_TIMEOUT_MS	 30000
#define POLL_SLICE_MS		 200
#define SILENCE_MS_MAX		 60000
#define PROGRESS_TERMINAL_MS 200
#define PROGRESS_LOG_MS		 10000
#define BAR_CELLS			 30

typedef struct RebuildPartition
{
	int64_t read_offset;
	int64_t end_offset;
} RebuildPartition;

typedef struct Rebuild
{
	const HistoryConfig *config;
	ApplierOptions applier_options;
	FormerOwners former_owners;
	Applier *applier;
	KafkaObserver observer;
	rd_kafka_t *handle;
	RebuildPartition *partitions; /* by number */
	int partition_count;
	PositionClaim *claims;
	Batch batch;
	EventSource source;
	ServerClock clock;
	int64_t total; /* offsets from the start to the end of all partitions */
	int64_t done;
	int64_t poison;
	int64_t start_ms;
	int64_t shown_at_ms;
	bool terminal;
} Rebuild;

static Status
reader_open(Rebuild *rebuild)
{
	const KafkaSetting forced[] = {
		{"group.id", rebuild->config->history.group}, /* named only: no group is joined */
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_committed"},
		{"enable.partition.eof", "true"},
		{"allow.auto.create.topics", "false"},
		{NULL, NULL},
	};
	rd_kafka_conf_t *conf = NULL;
	Status status =
		kafka_conf_new(&rebuild->config->kafka, NULL, forced, &rebuild->observer, &conf);

	if (status_is_ok(&status))
		status = kafka_handle_new(RD_KAFKA_CONSUMER, conf, &rebuild->handle);
	if (status_is_ok(&status))
		rd_kafka_poll_set_consumer(rebuild->handle);
	return status;
}

static Status
partition_measure(Rebuild *rebuild, int number, rd_kafka_topic_partition_list_t *list)
{
	const char *topic = rebuild->config->kafka.topic;
	RebuildPartition *partition = &rebuild->partitions[number];
	int64_t start = 0;
	rd_kafka_resp_err_t code =
		rd_kafka_query_watermark_offsets(rebuild->handle, topic, number, &start,
										 &partition->end_offset, TOPIC_TIMEOUT_MS);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return kafka_code_classify(code, "cannot ask for a partition's offsets", NULL);
	if (start > 0 && !rebuild->config->history.accept_loss)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"partition %d of %s begins at offset %" PRId64
							": its first records are "
							"gone, so the history can't be made from the topic alone. Publish them "
							"again with wallet_bridge backfill instead; the history is unchanged",
							number, topic, start);
	rebuild->total += partition->end_offset - start;
	partition->read_offset = start;
	rebuild->claims[number].start_offset = start;
	rebuild->claims[number].partition = number;
	rd_kafka_topic_partition_list_add(list, topic, number)->offset = start;
	return status_ok();
}

static Status
partitions_open(Rebuild *rebuild)
{
	Wait wait = wait_begin(signals_stop_fd(), TOPIC_TIMEOUT_MS);
	rd_kafka_topic_partition_list_t *list = NULL;
	Status status = kafka_topic_partition_count(rebuild->handle, rebuild->config->kafka.topic,
												&wait, &rebuild->partition_count);

	if (!status_is_ok(&status))
		return status;
	if (rebuild->partition_count == 0)
		return status_fatal(EXIT_CODE_CONFIGURATION, "topic %s does not exist",
							rebuild->config->kafka.topic);
	rebuild->partitions = calloc((size_t) rebuild->partition_count, sizeof(*rebuild->partitions));
	rebuild->claims = calloc((size_t) rebuild->partition_count, sizeof(*rebuild->claims));
	if (rebuild->partitions == NULL || rebuild->claims == NULL)
		return status_bug("out of memory");
	status = kafka_topic_id_get(rebuild->handle, rebuild->config->kafka.topic, &wait,
								rebuild->claims[0].topic_id);
	list = rd_kafka_topic_partition_list_new(rebuild->partition_count);
	for (int number = 0; number < rebuild->partition_count && status_is_ok(&status); number++)
		status = partition_measure(rebuild, number, list);
	if (status_is_ok(&status))
		status = kafka_code_classify(rd_kafka_assign(rebuild->handle, list),
									 "cannot read the topic", NULL);
	rd_kafka_topic_partition_list_destroy(list);
	return status;
}

static void
progress_show(Rebuild *rebuild, bool last)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t interval_ms = rebuild->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LOG_MS;
	int64_t elapsed_ms = now_ms - rebuild->start_ms > 0 ? now_ms - rebuild->start_ms : 1;
	int64_t percent = rebuild->total > 0 ? rebuild->done * 100 / rebuild->total : 100;

	if (!last && now_ms - rebuild->shown_at_ms < interval_ms)
		return;
	rebuild->shown_at_ms = now_ms;
	if (!rebuild->terminal)
	{
		log_info("rebuilding", log_integer("percent", percent), log_integer("read", rebuild->done),
				 log_integer("of", rebuild->total));
		return;
	}

	char bar[BAR_CELLS + 1];

	for (int cell = 0; cell < BAR_CELLS; cell++)
		bar[cell] = cell * 100 < percent * BAR_CELLS ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	fprintf(stderr, "\r[%s] %3" PRId64 "%%  %" PRId64 " of %" PRId64 " records, %" PRId64 "/s%s",
			bar, percent, rebuild->done, rebuild->total, rebuild->done * 1000 / elapsed_ms,
			last ? "\n" : "");
}

static Status
batch_flush(Rebuild *rebuild)
{
	ApplyReport report = {.outcome = APPLY_POISON};
	Status status = status_ok();

	if (rebuild->batch.position_count == 0)
		return status;
	while (status_is_ok(&status) && report.outcome == APPLY_POISON)
		status = applier_apply(rebuild->applier, &rebuild->batch, &report);
	if (status_is_ok(&status) && report.outcome != APPLY_DONE)
		status = status_bug("the rebuild's own tables were changed by somebody else");
	for (size_t i = 0; i < rebuild->batch.count; i++)
		rebuild->poison += rebuild->batch.records[i].fault != NULL ? 1 : 0;
	batch_clear(&rebuild->batch, subscriber_record_release);
	progress_show(rebuild, false);
	return status;
}

static Status
record_add(Rebuild *rebuild, rd_kafka_message_t *message)
{
	RebuildPartition *partition = &rebuild->partitions[message->partition];
	BatchSource source =
		intake_place(message, rebuild->claims[message->partition].fence, partition->read_offset);
	int64_t now_us = server_clock_now(&rebuild->clock, clock_monotonic_us(), clock_wall_us());
	Event event;
	EventFault fault;
	bool added;

	if (event_read(message->key, message->key_len, message->payload, message->len, &event,
				   &fault) &&
		event_source_accepts(&rebuild->source, message, &fault) &&
		event_is_credible(&event, now_us, &fault))
		added = batch_add_event(&rebuild->batch, &source, &event);
	else
		added =
			batch_add_poison(&rebuild->batch, &source, event_fault_name(fault.kind), fault.reason);
	rebuild->batch.source = rebuild->source.own;
	return added ? status_ok() : status_bug("out of memory");
}

/* What was done counts up to the end that was measured: the topic goes on growing. */
static void
offset_reach(Rebuild *rebuild, int32_t number, int64_t next_offset)
{
	RebuildPartition *partition = &rebuild->partitions[number];

	if (next_offset > partition->end_offset)
		next_offset = partition->end_offset;
	if (next_offset <= partition->read_offset)
		return;
	rebuild->done += next_offset - partition->read_offset;
	partition->read_offset = next_offset;
}

static Status
message_take(Rebuild *rebuild, rd_kafka_message_t *message)
{
	Status status = status_ok();

	if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		offset_reach(rebuild, message->partition, message->offset);
	else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		status = kafka_code_classify(message->err, "reading from Kafka",
									 rd_kafka_message_errstr(message));
		if (status.class == STATUS_RETRY)
		{
			log_status(LOG_LEVEL_WARNING, "Kafka has a problem", &status);
			status = status_ok();
		}
	}
	else if (message->offset < rebuild->partitions[message->partition].end_offset)
	{
		status = record_add(rebuild, message);
		offset_reach(rebuild, message->partition, message->offset + 1);
		return status;
	}
	rd_kafka_message_destroy(message);
	return status;
}

static Status
topic_read(Rebuild *rebuild)
{
	BatchLimits limits = {.records = (size_t) rebuild->config->history.batch_events,
						  .bytes = (size_t) rebuild->config->history.batch_bytes};
	int64_t heard_ms = clock_monotonic_ms();
	Status status = status_ok();

	while (status_is_ok(&status) && rebuild->done < rebuild->total)
	{
		rd_kafka_message_t *message = rd_kafka_consumer_poll(rebuild->handle, POLL_SLICE_MS);

		if (signals_stop_requested())
			status = status_retry("stopped before the swap: the history is unchanged");
		else if (message == NULL && clock_monotonic_ms() - heard_ms > SILENCE_MS_MAX)
			status = status_retry("Kafka sends nothing for too long: the history is unchanged");
		if (message == NULL)
			continue;
		heard_ms = clock_monotonic_ms();
		if (status_is_ok(&status))
			status = message_take(rebuild, message);
		else
			rd_kafka_message_destroy(message);
		if (status_is_ok(&status) && batch_is_full(&rebuild->batch, &limits))
			status = batch_flush(rebuild);
	}
	return status_is_ok(&status) ? batch_flush(rebuild) : status;
}

static Status
swap(Rebuild *rebuild)
{
	RebuildChange change = {.removed = 0};
	HistorySession named = {.connection = applier_session(rebuild->applier)->connection};
	Wait wait = wait_begin(-1, TOPIC_TIMEOUT_MS);
	Status status = history_schema_find(&named, &wait);

	progress_show(rebuild, true);
	if (status_is_ok(&status))
		status = rebuild_tables_swap(applier_session(rebuild->applier), named.schema,
									 rebuild->config->history.accept_loss, &change);
	free(named.schema);
	if (status_is_ok(&status))
		log_info("history rebuilt", log_integer("records", rebuild->total),
				 log_integer("rows_removed", change.removed),
				 log_integer("rows_added", change.added), log_integer("gaps", change.gaps),
				 log_integer("conflicts", change.conflicts),
				 log_integer("poison", rebuild->poison));
	return status;
}

static void
rebuild_close(Rebuild *rebuild)
{
	batch_free(&rebuild->batch, subscriber_record_release);
	applier_free(rebuild->applier);
	former_owners_free(&rebuild->former_owners);
	if (rebuild->handle != NULL)
	{
		rd_kafka_consumer_close(rebuild->handle);
		rd_kafka_destroy(rebuild->handle);
	}
	free(rebuild->partitions);
	free(rebuild->claims);
}

Status
rebuild_run(const HistoryConfig *config)
{
	Rebuild rebuild = {
		.config = config,
		.applier_options = {.pg = &config->pg,
							.group = config->history.group,
							.topic = config->kafka.topic,
							.source = config->history.source,
							.owner = OWNER,
							.redirect = rebuild_tables_create},
		.source = {.told = config->history.source},
		.start_ms = clock_monotonic_ms(),
		.shown_at_ms = clock_monotonic_ms(),
		.terminal = isatty(STDERR_FILENO) != 0,
	};
	Status status;

	former_owners_init(&rebuild.former_owners);
	rebuild.applier_options.former_owners = &rebuild.former_owners;
	log_start(history_program.name, &config->daemon.log);
	status = signals_start();
	if (status_is_ok(&status))
		status = reader_open(&rebuild);
	if (status_is_ok(&status))
	{
		rebuild.applier = applier_new(&rebuild.applier_options);
		if (rebuild.applier == NULL)
			status = status_bug("out of memory");
	}
	/* What the history has now is noted before the topic is measured: it must have it all. */
	if (status_is_ok(&status))
		status = applier_connect(rebuild.applier);
	if (status_is_ok(&status))
		status = rebuild_ledger_await_bridge(applier_session(rebuild.applier));
	if (status_is_ok(&status))
		status = partitions_open(&rebuild);
	if (status_is_ok(&status))
		status = applier_claim(rebuild.applier, rebuild.claims, (size_t) rebuild.partition_count);
	if (status_is_ok(&status))
	{
		memcpy(rebuild.source.own, rebuild.claims[0].source, EVENT_SOURCE_BYTES);
		server_clock_tell(&rebuild.clock, rebuild.claims[0].server_us, clock_monotonic_us());
		status = topic_read(&rebuild);
	}
	if (status_is_ok(&status))
		status = swap(&rebuild);
	rebuild_close(&rebuild);
	return status;
}
