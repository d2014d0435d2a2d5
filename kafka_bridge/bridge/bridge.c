/*
 * bridge.c
 *		The life of the bridge: checks, set-up, standby, streaming, and starting over.
 *
 * Two loops, one inside the other.
 *		term	as long as one producer lives. Begins with the position recorded in Kafka, under a
 *				new generation; ends when the producer is of no more use, or when another bridge had
 *				the slot meanwhile. A new term may publish again what the old one had not recorded.
 *		stream	as long as one connection to PostgreSQL lives. The next stream goes on where the
 *				last one stopped receiving: what is in flight to Kafka stays in flight.
 *
 * This thread reads the stream; the outbox's thread serves Kafka. Only this file, setup and the
 * sub-commands know both sides.
 */
#include "bridge.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "bridge_report.h"
#include "base/clock.h"
#include "kafka_facts.h"
#include "observe/log.h"
#include "outbox.h"
#include "pump.h"
#include "repl_stream.h"
#include "server_facts.h"
#include "server_watch.h"
#include "setup.h"
#include "slot_watch.h"
#include "startup_facts.h"
#include "transaction_leftover.h"
#include "kafka/topic_reader.h"
#include "topic_watch.h"

#define CONNECT_TIMEOUT_MS 15000
#define KAFKA_TIMEOUT_MS   15000
#define BACKOFF_INITIAL_MS 100
#define BACKOFF_MAXIMUM_MS 10000

#define TRANSACTIONAL_ID_BYTES 128

typedef struct Bridge
{
	const BridgePlan *plan;
	const BridgeConfig *config;
	KafkaObserver observer;
	rd_kafka_t *reader; /* asks Kafka questions; lives as long as the term */
	KafkaFacts kafka;	/* as of the begin of the term */
	ServerWatch *watch;
	ServerFacts server;
	ReplStream *stream;
	Publisher *publisher; /* until the outbox has it */
	Outbox *outbox;
	TopicWatch *topic_watch; /* lives within the outbox */
	SlotWatch *slot_watch;	 /* likewise; NULL without other hosts */
	ProgressKey key;
	int64_t generation;		  /* of this term */
	int64_t known_generation; /* of the newest record that may be there while the slot is ours */
	uint64_t known_lsn;
	uint32_t timeline;	 /* likewise: another one is another history */
	BridgePeer failing;	 /* whose failure the newest one is */
	bool term_lost;		 /* another bridge had the slot: this term's position is stale */
	bool may_set_up;	 /* the watch has the lock, and everything was asked since */
	bool connected_once; /* credentials and database were right at some time */
	char source[SERVER_SOURCE_BYTES]; /* ce_source */
	char transactional_id[TRANSACTIONAL_ID_BYTES];
	char dead_letters[DEAD_LETTER_TOPIC_BYTES];
	char refusal[STATUS_TEXT_BYTES]; /* of Kafka, which ended the term before; "": none did */
	BridgeRole role;
} Bridge;

static bool
is_transactional(const Bridge *bridge)
{
	return bridge->config->bridge.delivery == DELIVERY_TRANSACTIONAL;
}

/* A pause during which the thread is known to be well. False: a stop was asked for. */
static bool
bridge_pause(Bridge *bridge, int64_t pause_ms)
{
	health_loop_rest(bridge->plan->health, bridge->plan->stream_loop);

	bool goes_on = wait_pause(bridge->plan->stop_fd, pause_ms);

	health_loop_beat(bridge->plan->health, bridge->plan->stream_loop);
	return goes_on;
}

/* Connects the watch, if it is not, and gathers what PostgreSQL has to say. */
static Status
server_ask(Bridge *bridge)
{
	Wait wait = wait_begin(bridge->plan->stop_fd, CONNECT_TIMEOUT_MS);
	Status status = status_ok();

	/* The lock went with the connection. */
	bridge->may_set_up = bridge->may_set_up && bridge->watch != NULL;
	if (bridge->watch == NULL)
		status = server_watch_open(&bridge->config->pg, bridge->config->bridge.slot, &wait,
								   &bridge->watch);
	if (status_is_ok(&status))
		status = server_facts_gather(server_watch_get_connection(bridge->watch),
									 bridge->config->bridge.slot, &wait, &bridge->server);
	if (!status_is_ok(&status))
	{
		server_watch_close(&bridge->watch);
		status = server_failure_judge(status, bridge->connected_once);
	}
	bridge->connected_once = bridge->connected_once || status_is_ok(&status);
	bridge_report_peer(bridge->plan, BRIDGE_PEER_POSTGRESQL, &status);
	return status;
}

/* Topics as they are now, and the recorded position. */
static Status
kafka_ask(Bridge *bridge, bool passes_open, KafkaFacts *facts)
{
	Wait wait = wait_begin(bridge->plan->stop_fd, KAFKA_TIMEOUT_MS);
	Status status = kafka_facts_gather(&(KafkaQuestion){.reader = bridge->reader,
														.config = bridge->config,
														.key = &bridge->key,
														.source = bridge->source,
														.slot = &bridge->server.slot,
														.making = TOPIC_MAKE_FIRST,
														.passes_open = passes_open},
									   &wait, facts);

	bridge->failing = status_is_ok(&status) ? BRIDGE_PEER_POSTGRESQL : BRIDGE_PEER_KAFKA;
	/* That it answers says nothing of the record that it refused: the outbox will see. */
	if (!status_is_ok(&status) || bridge->refusal[0] == '\0')
		bridge_report_peer(bridge->plan, BRIDGE_PEER_KAFKA, &status);
	return status;
}

/* What records of this term say, but for the position. */
static ProgressRecord
record_make(const Bridge *bridge)
{
	return kafka_facts_record(&bridge->kafka, bridge->config->kafka.topic, bridge->server.timeline);
}

static PublisherPlan
publisher_plan_make(Bridge *bridge)
{
	return (PublisherPlan){
		.kafka = &bridge->config->kafka,
		.progress_topic = bridge->config->bridge.progress_topic,
		.dead_letter_topic = options_dead_letter_topic(bridge->config, bridge->dead_letters),
		.source = bridge->source,
		.partition_count = bridge->kafka.topic.partition_count,
		.accept_repartition = bridge->config->bridge.accept_repartition,
		.message_bytes_max = bridge->kafka.topic.survey.message_bytes_max,
		.transactional_id = is_transactional(bridge) ? bridge->transactional_id : NULL,
		.transaction_timeout_ms = bridge->config->bridge.transaction_timeout_ms,
	};
}

static Status
startup_decide(Bridge *bridge, const KafkaFacts *kafka, StartupDecision *decision)
{
	Wait wait = wait_begin(bridge->plan->stop_fd, CONNECT_TIMEOUT_MS);

	return startup_judge(&(StartupQuestion){.config = bridge->config,
											.watch = server_watch_get_connection(bridge->watch),
											.server = &bridge->server,
											.kafka = kafka},
						 &wait, decision);
}

static Status
bridge_set_up(Bridge *bridge)
{
	SetupPlan setup = {
		.config = bridge->config,
		.watch = server_watch_get_connection(bridge->watch),
		.server = &bridge->server,
		.key = bridge->key,
		.record = record_make(bridge),
		.publisher = publisher_plan_make(bridge),
		.start = bridge->config->bridge.start,
		.stop_fd = bridge->plan->stop_fd,
		.metrics = bridge->plan->metrics,
	};

	/* Creating the slot waits for other transactions, and a backfill takes as long as it takes. */
	health_loop_rest(bridge->plan->health, bridge->plan->stream_loop);
	bridge_report_role(bridge->plan, &bridge->role, BRIDGE_ROLE_SETTING_UP);

	Status status = setup_run(&setup);

	health_loop_beat(bridge->plan->health, bridge->plan->stream_loop);
	server_watch_close(&bridge->watch);
	return status;
}

/* Waits until no other bridge has the slot. OK: it is free, and bridge->server is fresh. */
static Status
slot_wait(Bridge *bridge)
{
	const KafkaFacts nothing = {.found = {.exists = false}};
	StartupDecision decision;
	Status status = server_ask(bridge);

	while (status_is_ok(&status) && bridge->server.slot.active)
	{
		status = startup_decide(bridge, &nothing, &decision);
		if (!status_is_ok(&status))
			return status;
		bridge_report_role(bridge->plan, &bridge->role, BRIDGE_ROLE_STANDBY);
		if (!bridge_pause(bridge, bridge->config->bridge.standby_interval_ms))
			return wait_status(WAIT_STOPPED, "standby");
		status = server_ask(bridge);
	}
	return status;
}

/*
 * A refusal that nothing mends needs facts of one moment: whoever had the slot while we asked wrote
 * records that our older facts of the server contradict.
 */
static Status
refusal_confirm(Bridge *bridge, StartupDecision *decision)
{
	const SlotFacts before = bridge->server.slot;
	const SlotFacts *now = &bridge->server.slot;
	Status status = server_ask(bridge);

	if (status_is_ok(&status) &&
		(now->active || now->exists != before.exists || now->confirmed != before.confirmed))
		status = status_retry("the slot was taken meanwhile");
	return status_is_ok(&status) ? startup_decide(bridge, &bridge->kafka, decision) : status;
}

static Status
term_ask(Bridge *bridge, bool passes_open, StartupDecision *decision)
{
	Status status = slot_wait(bridge);

	if (!status_is_ok(&status))
		return status;
	server_facts_name(&bridge->server, bridge->config->bridge.slot, &bridge->key, bridge->source);
	snprintf(bridge->transactional_id, sizeof(bridge->transactional_id),
			 "wallet-bridge.%" PRIu64 ".%" PRIu32 ".%s", bridge->key.system_id,
			 bridge->key.database_oid, bridge->key.slot);
	kafka_facts_free(&bridge->kafka);
	status = kafka_ask(bridge, passes_open, &bridge->kafka);
	if (status_is_ok(&status))
		status = startup_decide(bridge, &bridge->kafka, decision);
	if (status.class == STATUS_FATAL && bridge->watch != NULL)
		status = refusal_confirm(bridge, decision);
	return status;
}

/*
 * Opens the producer. In transactional delivery it takes the transactional id from whoever had it;
 * what was asked before may have changed until then, and can't any more (INV-7).
 */
static Status
term_fence(Bridge *bridge, StartupDecision *decision)
{
	Wait wait = wait_begin(bridge->plan->stop_fd, KAFKA_TIMEOUT_MS);
	PublisherPlan plan = publisher_plan_make(bridge);
	Status status = status_ok();

	if (bridge->kafka.left_out)
		status = transaction_leftover_end(&plan, &wait);
	if (status_is_ok(&status))
		status = publisher_open(&plan, &bridge->publisher);
	if (!status_is_ok(&status) || !is_transactional(bridge))
		return status;
	status = publisher_fence(bridge->publisher, &wait);
	if (status_is_ok(&status))
		status = term_ask(bridge, false, decision);
	if (status_is_ok(&status) && !startup_streams(decision))
		publisher_close(&bridge->publisher);
	else if (status_is_ok(&status) &&
			 (bridge->kafka.topic.partition_count != plan.partition_count ||
			  bridge->kafka.topic.survey.message_bytes_max != plan.message_bytes_max))
		status = status_retry("topic \"%s\" is being changed", bridge->config->kafka.topic);
	return status;
}

/* Everything before the first stream of a term: leads to the position to start from. */
static Status
term_prepare(Bridge *bridge, StartupDecision *decision)
{
	Status status = term_ask(bridge, is_transactional(bridge), decision);

	/* An open transaction may be a dead bridge's, and keep back what decides otherwise. */
	if (status_is_ok(&status) ? startup_streams(decision) || bridge->kafka.left_out
							  : status.class == STATUS_FATAL && bridge->kafka.left_out)
		status = term_fence(bridge, decision);
	if (!status_is_ok(&status))
		return status;
	if (bridge->may_set_up && decision->action != STARTUP_SETUP)
		return status_retry("another bridge has set up the slot meanwhile");
	switch (decision->action)
	{
		case STARTUP_ADOPT:
			log_warning("no recorded position: going on from the slot's confirmed one",
						log_lsn("from", decision->start_lsn));
			break;
		case STARTUP_STREAM:
			break;
		case STARTUP_SETUP:
			/* What was set up, by whomever, is judged like anything else. */
			status = bridge->may_set_up
						 ? bridge_set_up(bridge)
						 : setup_lock(server_watch_get_connection(bridge->watch),
									  bridge->config->bridge.slot, bridge->plan->stop_fd);
			bridge->may_set_up = !bridge->may_set_up && status_is_ok(&status);
			return status_is_ok(&status) ? term_prepare(bridge, decision) : status;
		case STARTUP_STANDBY:
		case STARTUP_REFUSE:
			return status_retry("the slot was taken meanwhile");
	}
	topic_problems_log(bridge->config->kafka.topic, &bridge->kafka.topic.survey);
	return status;
}

static Status
term_open_outbox(Bridge *bridge, const StartupDecision *decision)
{
	const BridgeOptions *options = &bridge->config->bridge;
	ProgressRecord record = record_make(bridge);
	const ProgressFound *found = &bridge->kafka.found;
	Publisher *publisher = bridge->publisher;
	OutboxPlan plan = {
		.publisher = publisher,
		.transactional = is_transactional(bridge),
		.key = bridge->key,
		.record = record,
		.start_lsn = decision->start_lsn,
		.tail = found->exists ? &bridge->kafka.tail : NULL,
		.tail_partition_count = found->record.partition_count,
		.transactions_max = (uint32_t) options->in_flight_transactions,
		.bytes_max = (uint64_t) options->in_flight_bytes,
		.progress_interval_ms = options->progress_interval_ms,
		.refusal = bridge->refusal,
		.dead_letters = options->on_poison == POISON_DEAD_LETTER,
		.metrics = bridge->plan->metrics,
		.health = bridge->plan->health,
		.health_loop = bridge->plan->outbox_loop,
	};

	plan.record.lsn = decision->recorded_lsn;
	plan.record.inside = found->record.inside;
	plan.record.event_lsn = found->record.event_lsn;
	bridge->generation = record.generation;
	bridge->known_generation = found->record.generation;
	bridge->known_lsn = found->record.lsn;
	bridge->timeline = record.timeline;
	bridge->publisher = NULL;

	Status status = outbox_open(&plan, &bridge->outbox);

	if (status_is_ok(&status))
		status = slot_watch_open(&plan, bridge->config, bridge->outbox, &bridge->slot_watch);
	if (!status_is_ok(&status))
		return status;
	return topic_watch_open(&(TopicWatchPlan){.config = bridge->config,
											  .source = bridge->source,
											  .record = record,
											  .survey = bridge->kafka.topic.survey,
											  .outbox = bridge->outbox,
											  .metrics = bridge->plan->metrics,
											  .health = bridge->plan->health},
							&bridge->topic_watch);
}

/* Another bridge may have had the slot while we were away: then only Kafka knows the position. */
static Status
resumption_check(Bridge *bridge)
{
	OutboxPositions positions = outbox_get_positions(bridge->outbox);
	KafkaFacts now;
	ProgressRecord *record = &now.found.record;
	StartupDecision decision;
	Status status = kafka_ask(bridge, false, &now);

	if (status_is_ok(&status) && bridge->server.timeline != bridge->timeline)
	{
		/* What was received last may not be in its history: the record tells, and the topic. */
		bridge->term_lost = true;
		status = status_retry("another server is the primary now, on timeline %" PRIu32,
							  bridge->server.timeline);
	}
	if (status_is_ok(&status) && (!now.found.exists || record->generation > bridge->generation ||
								  bridge->server.slot.confirmed > positions.received))
	{
		bridge->term_lost = true;
		status = status_retry("another bridge had the slot meanwhile");
	}
	if (status_is_ok(&status))
	{
		record->lsn = positions.received;
		record->state = PROGRESS_STREAMING;
		status = startup_decide(bridge, &now, &decision);
	}
	kafka_facts_free(&now);
	if (status_is_ok(&status) && decision.action != STARTUP_STREAM)
		status = status_retry("the slot was taken meanwhile");
	return status;
}

/* The slot is ours, so that no other bridge writes: one that had it after we asked wrote before. */
static Status
ownership_judge(Bridge *bridge, const Wait *wait)
{
	ProgressFound found;
	Status status = progress_read(bridge->reader, bridge->config->bridge.progress_topic,
								  &bridge->key, bridge->config->kafka.topic, NULL, wait, &found);

	bridge->failing = status_is_ok(&status) ? BRIDGE_PEER_POSTGRESQL : BRIDGE_PEER_KAFKA;
	if (!status_is_ok(&status))
		return status;
	bridge->term_lost = found.record.generation > bridge->known_generation ||
						(found.record.generation == bridge->known_generation &&
						 found.record.lsn > bridge->known_lsn);
	bridge->known_generation = bridge->generation;
	bridge->known_lsn = UINT64_MAX;
	return bridge->term_lost ? status_retry("another bridge had the slot meanwhile") : status;
}

/* One connection's stream, from its start to its end. *streamed: it had begun. */
static Status
stream_run(Bridge *bridge, bool *streamed)
{
	const BridgePlan *plan = bridge->plan;
	Wait wait = wait_begin(plan->stop_fd, CONNECT_TIMEOUT_MS);
	uint64_t from = outbox_get_positions(bridge->outbox).received;
	PumpPlan pump = {
		.watch = bridge->watch,
		.outbox = bridge->outbox,
		.stop_fd = plan->stop_fd,
		.feedback_interval_ms = server_facts_feedback_ms(&bridge->server),
		.drain_timeout_ms = bridge->config->bridge.drain_timeout_ms,
		.health = plan->health,
		.health_loop = plan->stream_loop,
		.metrics = plan->metrics,
	};
	Status status = repl_stream_open(&bridge->config->pg, &wait, &bridge->stream);

	if (status_is_ok(&status))
		status = repl_stream_start(bridge->stream, bridge->config->bridge.slot, from, &wait);
	if (status_is_ok(&status))
		status = ownership_judge(bridge, &wait);
	/* Another bridge was quicker, and has the next generation. */
	if (pg_status_is(&status, PG_OBJECT_IN_USE))
		bridge->term_lost = true;
	if (status_is_ok(&status))
	{
		*streamed = true;
		outbox_has_slot(bridge->outbox);
		bridge_report_peer(bridge->plan, BRIDGE_PEER_POSTGRESQL, &status);
		bridge_report_role(bridge->plan, &bridge->role, BRIDGE_ROLE_ACTIVE);
		log_info("streaming started", log_text("slot", bridge->config->bridge.slot),
				 log_lsn("from", from));
		pump.stream = bridge->stream;
		status = pump_run(&pump);
	}
	repl_stream_close(&bridge->stream);
	server_watch_close(&bridge->watch);
	return server_failure_judge(status, bridge->connected_once);
}

/* What happened is not the connection's fault, or nobody can go on in this term. */
static bool
term_is_over(Bridge *bridge, const Status *status)
{
	Status failure = outbox_get_failure(bridge->outbox);

	return status->class != STATUS_RETRY || !status_is_ok(&failure) || bridge->term_lost ||
		   wait_is_stopped(bridge->plan->stop_fd);
}

/* Streams again and again, as long as the term lasts. */
static Status
term_stream(Bridge *bridge)
{
	Backoff backoff =
		backoff_begin(BACKOFF_INITIAL_MS, BACKOFF_MAXIMUM_MS, (uint64_t) clock_monotonic_us());
	Status status;

	for (;;)
	{
		bool streamed = false;

		/* A stream belongs to a term: its outbox lives, and no other stream does. */
		assert(bridge->outbox != NULL && bridge->stream == NULL && bridge->generation > 0);
		status = status_ok();
		bridge->failing = BRIDGE_PEER_POSTGRESQL;
		/* The first stream starts from what term_prepare asked. */
		if (bridge->watch == NULL)
		{
			status = slot_wait(bridge);
			if (status_is_ok(&status))
				status = resumption_check(bridge);
		}
		if (status_is_ok(&status))
			status = stream_run(bridge, &streamed);
		server_watch_close(&bridge->watch);
		if (status_is_ok(&status) || term_is_over(bridge, &status))
			return status;
		bridge_report_role(bridge->plan, &bridge->role, BRIDGE_ROLE_STARTING);
		log_status(LOG_LEVEL_WARNING, "stream interrupted", &status);
		bridge_report_peer(bridge->plan, bridge->failing, &status);
		metric_add(bridge->plan->metrics, BRIDGE_METRIC_RECONNECTS, bridge->failing, 1);
		if (streamed)
			backoff_reset(&backoff);
		if (!bridge_pause(bridge, backoff_next_ms(&backoff)))
			return status;
	}
}

/* A health that were green between two refusals would hide them. */
static void
refusal_note(Bridge *bridge)
{
	if (bridge->outbox == NULL)
		return;

	Status failure = outbox_get_failure(bridge->outbox);

	snprintf(bridge->refusal, sizeof(bridge->refusal), "%s", failure.text);
	if (!status_is_ok(&failure))
		bridge_report_peer(bridge->plan, BRIDGE_PEER_KAFKA, &failure);
}

static Status
term_run(Bridge *bridge)
{
	StartupDecision decision;
	Status status = topic_reader_open(&bridge->config->kafka, &bridge->observer, &bridge->reader);

	bridge->term_lost = false;
	if (status_is_ok(&status))
		status = term_prepare(bridge, &decision);
	if (status_is_ok(&status))
		status = term_open_outbox(bridge, &decision);
	if (status_is_ok(&status))
		status = term_stream(bridge);
	if (bridge->outbox != NULL && status.class == STATUS_RETRY &&
		wait_is_stopped(bridge->plan->stop_fd))
	{
		/* A stop without a stream. */
		Wait wait = wait_begin(-1, bridge->config->bridge.drain_timeout_ms);

		outbox_drain(bridge->outbox, &wait);
	}
	refusal_note(bridge);
	server_watch_close(&bridge->watch);
	topic_watch_close(&bridge->topic_watch);
	slot_watch_close(&bridge->slot_watch);
	outbox_close(&bridge->outbox);
	publisher_close(&bridge->publisher);
	health_loop_rest(bridge->plan->health, bridge->plan->outbox_loop);
	topic_reader_close(&bridge->reader);
	kafka_facts_free(&bridge->kafka);
	return status;
}

Status
bridge_run(const BridgePlan *plan)
{
	Bridge bridge = {.plan = plan, .config = plan->config};
	Backoff backoff =
		backoff_begin(BACKOFF_INITIAL_MS, BACKOFF_MAXIMUM_MS, (uint64_t) clock_monotonic_us());
	Status status;

	health_loop_rest(plan->health, plan->outbox_loop);
	bridge_report_role(plan, &bridge.role, BRIDGE_ROLE_STARTING);
	for (;;)
	{
		int64_t begun_ms = clock_monotonic_ms();

		/* A term leaves nothing behind. */
		assert(bridge.outbox == NULL && bridge.stream == NULL && bridge.watch == NULL &&
			   bridge.reader == NULL);
		status = term_run(&bridge);
		if (status.class != STATUS_RETRY)
			return status;
		if (wait_is_stopped(plan->stop_fd))
			return status_ok();
		log_status(LOG_LEVEL_WARNING, "starting over from the recorded position", &status);
		metric_add(plan->metrics, BRIDGE_METRIC_RECONNECTS, BRIDGE_PEER_KAFKA, 1);
		if (clock_monotonic_ms() - begun_ms > BACKOFF_MAXIMUM_MS)
			backoff_reset(&backoff);
		if (!bridge_pause(&bridge, backoff_next_ms(&backoff)))
			return status_ok();
	}
}
