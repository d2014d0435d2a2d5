/*
 * startup_check.c
 *		May this bridge go on where the last one stopped? Decided from facts alone.
 *
 * The record in Kafka is written before a position is confirmed to the slot, so the record is never
 * behind the slot. Whatever contradicts that, or belongs to another history of the database, means
 * that events could be missing or could be published that are not the ledger's: stop and say so.
 */
#include "startup_check.h"

#include <inttypes.h>
#include <string.h>

#include "lsn.h"
#include "wallet_event.h"

#define WAY_OUT_RECREATE                                                              \
	"to go on from the present end of WAL run \"wallet_bridge slot drop --yes\" and " \
	"\"wallet_bridge slot create\", then repair the hole with \"wallet_bridge backfill\""

static StartupDecision
decision_make(StartupAction action, uint64_t start_lsn)
{
	return (StartupDecision){.action = action, .start_lsn = start_lsn, .status = status_ok()};
}

#define decision_refuse(...)                     \
	((StartupDecision){.action = STARTUP_REFUSE, \
					   .status = status_fatal(EXIT_CODE_CONFIGURATION, __VA_ARGS__)})

/* The command that records a position where the server has one to stream from. */
static const char *
accepting_command(const StartupFacts *facts)
{
	return facts->slot.exists ? "progress set" : "slot create";
}

/* V5, the slot itself: what no position can mend. */
static StartupDecision
slot_check(const StartupFacts *facts)
{
	const SlotFacts *slot = &facts->slot;

	if (!slot->logical)
		return decision_refuse("V5: slot \"%s\" is a physical one; choose another name with "
							   "BRIDGE_SLOT",
							   facts->slot_name);
	if (strcmp(slot->plugin, WALLET_DECODER_NAME) != 0)
		return decision_refuse("V5: slot \"%s\" uses the output plugin \"%s\", not \"%s\"; choose "
							   "another name with BRIDGE_SLOT",
							   facts->slot_name, slot->plugin, WALLET_DECODER_NAME);
	if (!slot->same_database)
		return decision_refuse("V5: slot \"%s\" decodes another database; choose another name with "
							   "BRIDGE_SLOT",
							   facts->slot_name);
	if (slot->lost)
		return decision_refuse("V5: the server removed WAL that slot \"%s\" still needed "
							   "(wal_status lost, see max_slot_wal_keep_size); " WAY_OUT_RECREATE,
							   facts->slot_name);
	return decision_make(STARTUP_STREAM, 0);
}

/* V2: a server that left the recorded timeline before the recorded position has other commits. */
static StartupDecision
timeline_check(const StartupFacts *facts)
{
	const ProgressRecord *record = &facts->record;
	uint64_t end = progress_record_needs(record);
	char lsn[LSN_TEXT_BYTES];

	if (record->timeline == facts->timeline)
		return decision_make(STARTUP_STREAM, 0);
	if (facts->timeline_switch >= end && facts->timeline_switch != 0)
		return decision_make(STARTUP_STREAM, 0);
	return decision_refuse(
		"V2: events up to %s of timeline %" PRIu32 " are in Kafka, but this server is on timeline "
		"%" PRIu32 " and does not contain that position: it lost commits (failover or "
		"point-in-time recovery) or is an old primary; compare with \"wallet_bridge verify\", then "
		"accept with \"wallet_bridge %s\"",
		lsn_write(end, lsn), record->timeline, facts->timeline, accepting_command(facts));
}

/* Whether what lies behind the switch belongs to a history that this server does not have. */
static bool
is_left_before(const StartupFacts *facts)
{
	return facts->record.timeline != facts->timeline && facts->timeline_switch < facts->record.lsn;
}

static uint64_t
recorded_lsn(const StartupFacts *facts)
{
	return is_left_before(facts) ? facts->timeline_switch : facts->record.lsn;
}

/* V3: the record against the server's WAL, and the topic's newest events against the ledger. */
static StartupDecision
wal_check(const StartupFacts *facts)
{
	uint64_t end =
		is_left_before(facts) ? facts->timeline_switch : progress_record_end(&facts->record);
	char recorded[LSN_TEXT_BYTES];
	char other[LSN_TEXT_BYTES];

	if (end > facts->wal_end)
		return decision_refuse(
			"V3: events up to %s are in Kafka, but this server's WAL ends at %s: "
			"it lost commits; compare with \"wallet_bridge verify\", then accept "
			"with \"wallet_bridge %s\"",
			lsn_write(end, recorded), lsn_write(facts->wal_end, other), accepting_command(facts));
	if (facts->unknown_transaction[0] == '\0')
		return decision_make(STARTUP_STREAM, 0);
	if (facts->unknown_is_young)
		return (
			StartupDecision){.action = STARTUP_REFUSE,
							 .status =
								 status_retry("an event of transaction %s is in Kafka, which is "
											  "not to be seen in the ledger",
											  facts->unknown_transaction)};
	return decision_refuse(
		"V3: events are in Kafka, the newest of a partition of transaction %s, which the ledger "
		"does not have: this server lost commits, or is an older copy that was put back; compare "
		"with \"wallet_bridge verify\", then accept with \"wallet_bridge %s\"",
		facts->unknown_transaction, accepting_command(facts));
}

/* V4: the record against the slot. */
static StartupDecision
position_check(const StartupFacts *facts)
{
	uint64_t lsn = recorded_lsn(facts);
	char recorded[LSN_TEXT_BYTES];
	char other[LSN_TEXT_BYTES];

	if (facts->slot.confirmed > lsn)
		return decision_refuse(
			"V4: slot \"%s\" is at %s, beyond the recorded position %s: it was "
			"dropped and created again, or moved, and what lies between may not "
			"be in Kafka; accept with \"wallet_bridge progress set\" and publish "
			"the missing part with \"wallet_bridge backfill\"",
			facts->slot_name, lsn_write(facts->slot.confirmed, other), lsn_write(lsn, recorded));
	return decision_make(STARTUP_STREAM, 0);
}

/* V5: what the events already in Kafka were made with. */
static StartupDecision
format_check(const StartupFacts *facts)
{
	const ProgressRecord *record = &facts->record;

	if (strcmp(record->options, facts->plugin_options) != 0)
		return decision_refuse("V5: the plugin options were \"%s\" and are \"%s\" now; accept with "
							   "\"wallet_bridge progress set\"",
							   record->options, facts->plugin_options);
	if (record->partition_count != facts->partition_count && !facts->accept_repartition)
		return decision_refuse("V5: topic \"%s\" had %d partitions and has %d now, so a wallet's "
							   "later events would go to another partition than its earlier ones; "
							   "let the consumers finish, then accept with --accept-repartition",
							   record->topic, record->partition_count, facts->partition_count);
	return decision_make(STARTUP_STREAM, 0);
}

/* No slot: a first start, or one that was lost. */
static StartupDecision
missing_slot_check(const StartupFacts *facts)
{
	char lsn[LSN_TEXT_BYTES];
	StartupDecision decision = decision_make(STARTUP_STREAM, 0);
	bool streamed = facts->record_exists && facts->record.state == PROGRESS_STREAMING;

	/* A promoted standby has no slot before 17: whether it lost commits matters more. */
	if (streamed)
		decision = timeline_check(facts);
	if (streamed && decision.action == STARTUP_STREAM)
		decision = wal_check(facts);
	if (decision.action != STARTUP_STREAM)
		return decision;
	if (streamed)
		return decision_refuse(
			"V4: slot \"%s\" is gone, it was confirmed up to %s; run "
			"\"wallet_bridge slot create\" to go on from the present end of WAL, "
			"then \"wallet_bridge backfill\" for what was committed in between",
			facts->slot_name, lsn_write(facts->record.lsn, lsn));
	if (facts->ledger_has_rows && facts->start == START_REFUSE)
		return decision_refuse("first start, and the ledger already has rows: choose "
							   "--start=backfill to publish them too, or --start=now to publish "
							   "only what is committed from now on");
	return decision_make(STARTUP_SETUP, 0);
}

#define WAY_OUT_TOPIC                                                                           \
	"to go on run \"wallet_bridge progress set --reason TEXT\", which records the topic as it " \
	"is then (and makes a missing one), start the bridge, and publish what the topic has not "  \
	"with \"wallet_bridge backfill --from -infinity --to now\""

Status
startup_topic_judge(TopicState state, const char *topic)
{
	switch (state)
	{
		case TOPIC_GONE:
			return status_fatal(
				EXIT_CODE_CONFIGURATION,
				"V6: the topic is gone: events were published to \"%s\", which does "
				"not exist (or is hidden by its ACLs); " WAY_OUT_TOPIC,
				topic);
		case TOPIC_ANEW:
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"V6: the topic is gone: \"%s\" was deleted and made anew since "
								"events were published to it; " WAY_OUT_TOPIC,
								topic);
		case TOPIC_OTHER:
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"V6: events were published to another topic than \"%s\"; set "
								"KAFKA_TOPIC back, or " WAY_OUT_TOPIC,
								topic);
		case TOPIC_AS_RECORDED:
			break;
	}
	return status_ok();
}

Status
startup_source_judge(const char *foreign_source, const char *topic)
{
	if (foreign_source[0] == '\0')
		return status_ok();
	return status_fatal(
		EXIT_CODE_CONFIGURATION,
		"V6: topic \"%s\" gets events of another source, %s: two ledgers would mix; "
		"give each its own (KAFKA_TOPIC), or say --shared-topic where every reader "
		"tells them apart by ce_source",
		topic, foreign_source);
}

static StartupDecision
status_decide(Status status)
{
	return (StartupDecision){.action = status_is_ok(&status) ? STARTUP_STREAM : STARTUP_REFUSE,
							 .status = status};
}

static StartupDecision
record_check(const StartupFacts *facts)
{
	StartupDecision decision = timeline_check(facts);

	if (decision.action == STARTUP_STREAM)
		decision = wal_check(facts);
	if (decision.action == STARTUP_STREAM)
		decision = position_check(facts);
	if (decision.action == STARTUP_STREAM)
		decision = format_check(facts);
	if (decision.action == STARTUP_STREAM)
	{
		decision.start_lsn = facts->slot.confirmed;
		decision.recorded_lsn = recorded_lsn(facts);
	}
	return decision;
}

static StartupDecision
server_check(const StartupFacts *facts)
{
	if (facts->in_recovery)
		return (StartupDecision){.action = STARTUP_REFUSE,
								 .status = status_retry(
									 "the server is a standby; waiting for its promotion")};
	if (!facts->wal_level_logical)
		return decision_refuse("wal_level must be logical: set it in postgresql.conf and restart "
							   "the server");
	/* A slot of the other database's own is V5's to judge: this database needs another name. */
	if (!facts->record_exists && facts->foreign_exists &&
		!(facts->slot.exists && !facts->slot.same_database))
		return decision_refuse(
			"V1: slot \"%s\" was last used on system %" PRIu64 ", database oid %" PRIu32
			", this is system %" PRIu64 ", database oid %" PRIu32 ": a restored or another "
			"database; if its events belong into the same topic run \"wallet_bridge %s\" "
			"and then, if needed, \"wallet_bridge backfill\"",
			facts->slot_name, facts->foreign_system_id, facts->foreign_database_oid,
			facts->system_id, facts->database_oid, accepting_command(facts));
	return decision_make(STARTUP_STREAM, 0);
}

/* Two ledgers in one topic: worse than none. */
static StartupDecision
source_check(const StartupFacts *facts, StartupDecision decision)
{
	Status status = startup_source_judge(facts->foreign_source, facts->topic);

	return decision.action == STARTUP_REFUSE || status_is_ok(&status) ? decision
																	  : status_decide(status);
}

/* The slot is usable, free, and the topic is the one that it belongs to. */
static StartupDecision
position_decide(const StartupFacts *facts)
{
	if (!facts->record_exists)
		return decision_make(STARTUP_ADOPT, facts->slot.confirmed);
	if (facts->record.state == PROGRESS_SETUP)
		return decision_make(STARTUP_SETUP, 0);
	return record_check(facts);
}

StartupDecision
startup_check(const StartupFacts *facts)
{
	StartupDecision decision = server_check(facts);

	if (decision.action != STARTUP_STREAM)
		return decision;
	if (facts->record_damaged)
		return decision_refuse(
			"V4: the recorded position cannot be read or is out of bounds, as no "
			"bridge writes it: see who may write to the progress topic, then "
			"record one with \"wallet_bridge %s\"",
			facts->slot.exists ? "progress set --reason TEXT" : "slot create");
	if (!facts->slot.exists)
	{
		decision = missing_slot_check(facts);
		return decision.action == STARTUP_SETUP ? source_check(facts, decision) : decision;
	}
	decision = slot_check(facts);
	if (decision.action != STARTUP_STREAM)
		return decision;
	/* The owner of the slot still writes records: judge them when it is gone. */
	if (facts->slot.active)
		return decision_make(STARTUP_STANDBY, 0);
	decision = status_decide(startup_topic_judge(facts->topic_state, facts->topic));
	if (decision.action != STARTUP_STREAM)
		return decision;
	return source_check(facts, position_decide(facts));
}

bool
startup_streams(const StartupDecision *decision)
{
	return decision->action == STARTUP_STREAM || decision->action == STARTUP_ADOPT;
}
