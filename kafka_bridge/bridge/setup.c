/*
 * setup.c
 *		The first start: creates the slot and, if asked for, publishes the ledger's rows before it.
 *
 * Order: record "setup", create the slot, judge the ledger in its snapshot, backfill, record
 * "streaming". A crash at any point leaves "setup" in the topic, and then the slot that may be
 * there is known to be worth nothing.
 */
#include "setup.h"

#include <stdio.h>
#include <string.h>

#include "backfill.h"
#include "event_set.h"
#include "observe/log.h"
#include "lsn.h"
#include "progress.h"
#include "slot.h"
#include "kafka/topic_reader.h"
#include "transaction_leftover.h"
#include "wallet_event.h"

#define STEP_TIMEOUT_MS 10000

typedef struct Setup
{
	const SetupPlan *plan;
	PGconn *creator; /* its snapshot is valid while nothing else is asked of it */
	PGconn *reader;	 /* inside a transaction with that snapshot */
	CreatedSlot slot;
	EventSet *published; /* in the topic before the backfill; transactional delivery only */
	bool out_of_memory;
} Setup;

Status
setup_lock(PGconn *connection, const char *slot, int stop_fd)
{
	char sql[256];
	Wait wait = wait_begin(stop_fd, STEP_TIMEOUT_MS);
	PGresult *result = NULL;

	snprintf(sql, sizeof(sql),
			 "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended("
			 "'wallet_bridge:%s', 0))",
			 slot);

	Status status =
		pg_query_run(connection, &wait, &(PgQuery){.sql = sql, .column_count = 1, .one_row = true},
					 &result);

	if (status_is_ok(&status) && PQgetvalue(result, 0, 0)[0] != 't')
		status = status_retry("another bridge is setting up slot \"%s\"", slot);
	PQclear(result);
	return status;
}

static Status
record_write(const SetupPlan *plan, ProgressState state, uint64_t lsn)
{
	ProgressRecord record = plan->record;
	Wait wait = wait_begin(plan->stop_fd, STEP_TIMEOUT_MS);

	record.state = state;
	record.lsn = lsn;
	return progress_write(&plan->config->kafka, plan->config->bridge.progress_topic, &plan->key,
						  &record, &wait);
}

/* Opens a transaction that sees exactly what was committed before the slot's stream begins. */
static Status
snapshot_open(Setup *setup)
{
	char sql[SLOT_SNAPSHOT_BYTES + 64];
	Wait wait = wait_begin(setup->plan->stop_fd, STEP_TIMEOUT_MS);
	Status status = pg_connection_open(&setup->plan->config->pg, PG_MODE_NORMAL,
									   "wallet_bridge backfill", &wait, &setup->reader);

	if (status_is_ok(&status))
		status =
			pg_command_run(setup->reader, &wait, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT '%s'", setup->slot.snapshot);
	if (status_is_ok(&status))
		status = pg_command_run(setup->reader, &wait, sql);
	return status;
}

static Status
ledger_refuse_rows(Setup *setup)
{
	char sql[SERVER_NAME_BYTES + 128];
	Wait wait = wait_begin(setup->plan->stop_fd, STEP_TIMEOUT_MS);
	PGresult *result = NULL;

	snprintf(sql, sizeof(sql), "SELECT EXISTS (SELECT FROM %s.%s)", setup->plan->server->schema,
			 WALLET_LEDGER_NAME);

	Status status =
		pg_query_run(setup->reader, &wait,
					 &(PgQuery){.sql = sql, .column_count = 1, .one_row = true}, &result);

	if (status_is_ok(&status) && PQgetvalue(result, 0, 0)[0] == 't')
		status =
			status_fatal(EXIT_CODE_CONFIGURATION,
						 "first start, and the ledger has rows by now: choose --start=backfill "
						 "to publish them too, or --start=now to publish only what is committed "
						 "from now on");
	PQclear(result);
	return status;
}

static void
backfill_log(void *context, int64_t events, int64_t created_at)
{
	(void) context;
	(void) created_at;
	if (events % 65536 == 0)
		log_info("backfill goes on", log_integer("events", events));
}

static void
published_note(void *context, const rd_kafka_message_t *record)
{
	Setup *setup = context;
	char id[PROGRESS_EVENT_ID_BYTES];

	if (topic_header_read(record, "ce_id", id, sizeof(id)) && strlen(id) == WALLET_UUID_TEXT_BYTES)
		setup->out_of_memory = setup->out_of_memory || !event_set_add(setup->published, id, "", 0);
}

/* What a set-up that was broken off has published: its readers must not see it again (INV-7). */
static Status
published_find(void *context)
{
	Setup *setup = context;
	const SetupPlan *plan = setup->plan;
	Wait wait = wait_begin(plan->stop_fd, WAIT_FOREVER);
	KafkaObserver observer = {0};
	rd_kafka_t *reader = NULL;
	Status status = topic_reader_open(&plan->config->kafka, &observer, &reader);

	setup->published = event_set_new();
	if (status_is_ok(&status) && setup->published != NULL)
		status = topic_read(reader, plan->config->kafka.topic, plan->publisher.partition_count,
							published_note, setup, &wait);
	topic_reader_close(&reader);
	if (status_is_ok(&status) && (setup->published == NULL || setup->out_of_memory))
		status = status_bug("out of memory");
	return status;
}

static bool
event_is_missing(void *context, const LedgerEvent *event)
{
	Setup *setup = context;

	return event_set_match(setup->published, event->event_id, "", 0) == EVENT_SET_UNKNOWN;
}

static Status
ledger_publish(Setup *setup)
{
	const SetupPlan *plan = setup->plan;
	bool transactional = plan->publisher.transactional_id != NULL;
	BackfillPlan backfill = {
		.connection = setup->reader,
		.schema = plan->server->schema,
		.publisher = plan->publisher,
		.bytes_max = (uint64_t) plan->config->bridge.in_flight_bytes,
		.dead_letters = plan->config->bridge.on_poison == POISON_DEAD_LETTER,
		.stop_fd = plan->stop_fd,
		.metrics = plan->metrics,
		.tick = backfill_log,
		.begin = transactional ? published_find : NULL,
		.wants = transactional ? event_is_missing : NULL,
		.context = setup,
	};
	BackfillCounts counts = {0};
	Wait wait = wait_begin(plan->stop_fd, WAIT_FOREVER);
	Status status = status_ok();

	log_info("backfill started");
	if (transactional)
		status = transaction_leftover_end(&plan->publisher, &wait);
	if (status_is_ok(&status))
		status = backfill_run(&backfill, &counts);

	if (status_is_ok(&status))
		log_info("backfill finished", log_integer("events", counts.events),
				 log_integer("dead_letters", counts.dead_letters));
	return status;
}

/* What the ledger had before the slot. */
static Status
ledger_handle(Setup *setup)
{
	if (setup->plan->start == START_NOW)
		return status_ok();

	Status status = snapshot_open(setup);

	if (!status_is_ok(&status))
		return status;
	return setup->plan->start == START_BACKFILL ? ledger_publish(setup) : ledger_refuse_rows(setup);
}

static Status
slot_make(Setup *setup)
{
	const SetupPlan *plan = setup->plan;
	const char *slot = plan->config->bridge.slot;
	/* Creating a slot waits for every transaction that is under way. */
	Wait wait = wait_begin(plan->stop_fd, WAIT_FOREVER);
	Status status = pg_connection_open(&plan->config->pg, PG_MODE_REPLICATION,
									   "wallet_bridge setup", &wait, &setup->creator);

	if (status_is_ok(&status) && plan->server->slot.exists)
		status = slot_drop(setup->creator, slot, &wait);
	if (status_is_ok(&status))
		status = slot_create(setup->creator, slot, &wait, &setup->slot);
	return status;
}

/* A set-up that failed must not leave a slot behind that keeps WAL for nobody. */
static void
slot_discard(Setup *setup)
{
	Wait wait = wait_begin(-1, STEP_TIMEOUT_MS);

	if (setup->creator == NULL || setup->slot.consistent_lsn == 0)
		return;

	Status status = slot_drop(setup->creator, setup->plan->config->bridge.slot, &wait);

	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "slot of a failed set-up not dropped", &status);
}

Status
setup_run(const SetupPlan *plan)
{
	Setup setup = {.plan = plan};
	/* The server may have given up the connection, and another bridge have the lock. */
	Status status = setup_lock(plan->watch, plan->config->bridge.slot, plan->stop_fd);

	if (status_is_ok(&status))
		status = record_write(plan, PROGRESS_SETUP, 0);
	if (status_is_ok(&status))
		status = slot_make(&setup);
	if (status_is_ok(&status))
		status = ledger_handle(&setup);
	if (!status_is_ok(&status))
		slot_discard(&setup);
	else
		/* If this fails the record may be there nevertheless: then the slot is needed. */
		status = record_write(plan, PROGRESS_STREAMING, setup.slot.consistent_lsn);
	if (status_is_ok(&status))
		log_info("slot created", log_text("slot", plan->config->bridge.slot),
				 log_lsn("from", setup.slot.consistent_lsn));
	event_set_free(setup.published);
	pg_connection_close(&setup.reader);
	pg_connection_close(&setup.creator);
	return status;
}
