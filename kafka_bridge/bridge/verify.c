/*
 * verify.c
 *		The sub-command verify: is every event of the ledger in the topic, unchanged, and nothing
 *		else?
 *
 * Exact while payments go on: what the topic had before the ledger's snapshot must be in the
 * ledger, and what the ledger has must be in the topic once the slot is confirmed beyond the
 * snapshot.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "command_context.h"
#include "event_set.h"
#include "ledger_reader.h"
#include "observe/log.h"
#include "kafka/topic_reader.h"
#include "wallet_event.h"

#define CATCH_UP_MS		 60000
#define CATCH_UP_POLL_MS 200

typedef struct Verify
{
	CommandContext context;
	EventSet *events;
	int64_t *ends; /* offsets that the topic had before the snapshot, by partition */
	int64_t records;
	int64_t copies;
	int64_t different;
	int64_t unknown; /* not in the ledger */
	int64_t foreign; /* of these, those of another source */
} Verify;

static Status
ledger_collect(Verify *verify, PGconn *connection, const Wait *wait)
{
	const LedgerRange everything = {NULL, NULL, NULL};
	LedgerReader *reader = NULL;
	LedgerEvent event;
	bool found = true;
	Status status =
		pg_command_run(connection, wait, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");

	if (status_is_ok(&status))
		status = ledger_reader_open(connection, verify->context.server.schema, &everything, wait,
									&reader);
	while (status_is_ok(&status) && found)
	{
		status = ledger_reader_next(reader, wait, &event, &found);
		if (status_is_ok(&status) && found &&
			!event_set_add(verify->events, event.event_id, event.json, event.json_bytes))
			status = status_bug("out of memory");
	}
	ledger_reader_close(&reader);
	return status;
}

/* Until the slot is confirmed beyond the snapshot: then all of it is in the topic. */
static Status
bridge_wait(Verify *verify)
{
	CommandContext *context = &verify->context;
	const char *slot = context->config->bridge.slot;
	Wait wait = wait_begin(context->stop_fd, CATCH_UP_MS);
	Status status = server_facts_gather(context->connection, slot, &wait, &context->server);
	uint64_t snapshot_end = context->server.wal_end;

	while (status_is_ok(&status) && context->server.slot.confirmed < snapshot_end)
	{
		if (!context->server.slot.active || wait_remaining_ms(&wait) == 0)
		{
			log_warning("the bridge is behind or not running: its newest events count as missing");
			break;
		}
		if (!wait_pause(context->stop_fd, CATCH_UP_POLL_MS))
			return wait_status(WAIT_STOPPED, "verify");
		status = server_facts_gather(context->connection, slot, &wait, &context->server);
	}
	return status;
}

static bool
record_is_foreign(const Verify *verify, rd_kafka_headers_t *headers)
{
	const char *source = verify->context.source;
	const void *found;
	size_t bytes;

	return headers != NULL &&
		   rd_kafka_header_get_last(headers, "ce_source", &found, &bytes) ==
			   RD_KAFKA_RESP_ERR_NO_ERROR &&
		   (bytes != strlen(source) || memcmp(found, source, bytes) != 0);
}

static void
record_compare(void *context, const rd_kafka_message_t *record)
{
	Verify *verify = context;
	rd_kafka_headers_t *headers = NULL;
	const void *id;
	size_t id_bytes;
	EventSetMatch match = EVENT_SET_UNKNOWN;

	verify->records++;
	if (rd_kafka_message_headers(record, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		rd_kafka_header_get_last(headers, "ce_id", &id, &id_bytes) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		id_bytes == WALLET_UUID_TEXT_BYTES)
		match = event_set_match(verify->events, id, record->payload, record->len);
	if (match == EVENT_SET_AGAIN)
		verify->copies++;
	else if (match == EVENT_SET_DIFFERENT)
		verify->different++;
	else if (match == EVENT_SET_UNKNOWN && record->offset < verify->ends[record->partition])
	{
		bool foreign = record_is_foreign(verify, headers);

		verify->foreign += foreign;
		verify->unknown += !(foreign && verify->context.config->bridge.shared_topic);
	}
}

static Status
verify_compare(Verify *verify, PGconn *connection)
{
	const CommandContext *context = &verify->context;
	Wait wait = wait_begin(context->stop_fd, WAIT_FOREVER);
	Status status =
		topic_end_offsets_get(context->reader, context->config->kafka.topic,
							  context->kafka.topic.partition_count, verify->ends, &wait);

	if (status_is_ok(&status))
		status = ledger_collect(verify, connection, &wait);
	if (status_is_ok(&status))
		status = bridge_wait(verify);
	if (status_is_ok(&status))
		status = topic_read(context->reader, context->config->kafka.topic,
							context->kafka.topic.partition_count, record_compare, verify, &wait);
	return status;
}

static Status
verify_judge(const Verify *verify)
{
	char example[WALLET_UUID_TEXT_BYTES + 1] = "";
	size_t missing = event_set_count_unmatched(verify->events, example);

	printf("%zu events in the ledger, %" PRId64 " records in the topic\n",
		   event_set_count(verify->events), verify->records);
	printf("%zu missing%s%s, %" PRId64 " not in the ledger, %" PRId64 " different, %" PRId64
		   " second copies\n",
		   missing, missing > 0 ? ", one is " : "", example, verify->unknown, verify->different,
		   verify->copies);
	if (verify->foreign > 0)
		printf("%" PRId64 " of %s of another source, left out with --shared-topic\n",
			   verify->foreign,
			   verify->context.config->bridge.shared_topic ? "the records" : "them");
	if (missing > 0 || verify->unknown > 0 || verify->different > 0)
		return status_fatal(EXIT_CODE_CONFIGURATION, "ledger and topic differ");
	return status_ok();
}

Status
command_verify(const BridgeConfig *config, int stop_fd)
{
	Verify verify = {.events = event_set_new()};
	Wait wait = wait_begin(stop_fd, COMMAND_TIMEOUT_MS);
	PGconn *connection = NULL;
	Status status = command_context_open(&verify.context, config, COMMAND_TOPIC_THERE, stop_fd);

	if (status_is_ok(&status))
		verify.ends = calloc((size_t) verify.context.kafka.topic.partition_count, sizeof(int64_t));
	if (status_is_ok(&status) && (verify.events == NULL || verify.ends == NULL))
		status = status_bug("out of memory");
	if (status_is_ok(&status))
		status = pg_connection_open(&config->pg, PG_MODE_NORMAL, "wallet_bridge verify", &wait,
									&connection);
	if (status_is_ok(&status))
		status = verify_compare(&verify, connection);
	if (status_is_ok(&status))
		status = verify_judge(&verify);
	pg_connection_close(&connection);
	command_context_close(&verify.context);
	event_set_free(verify.events);
	free(verify.ends);
	return status;
}
