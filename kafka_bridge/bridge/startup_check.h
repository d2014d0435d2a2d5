/*
 * startup_check.h
 *		May this bridge go on where the last one stopped? Decided from facts alone.
 *
 * Pure: the caller gathers the facts from PostgreSQL and Kafka, this room judges them, and does
 * nothing. The checks have the numbers of the design:
 *		V1	the position was recorded for this system and database
 *		V2	this server's timeline continues the recorded one, behind the newest event's commit
 *		V3	this server's WAL reaches the recorded position
 *		V4	the slot is the one that was confirmed to: it exists and was not moved past the record
 *		V5	the slot is usable and ours; plugin options and partitions are the recorded ones
 *		V6	the topic is the recorded one, and no other source publishes into it
 *
 * The slot is the truth and the record a hint (INV-14): a stream starts from the slot, and what
 * lies between it and the record is left out only as far as the topic itself has it.
 * A refusal is FATAL with EXIT_CODE_CONFIGURATION and names the way out: no restart would mend it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "progress_record.h"
#include "base/status.h"

typedef enum StartMode
{
	START_REFUSE, /* a first start on a ledger with rows is refused */
	START_BACKFILL,
	START_NOW,
} StartMode;

typedef struct SlotFacts
{
	bool exists;
	bool logical;
	bool active;		/* another process streams from it */
	bool same_database; /* it decodes the database we are connected to */
	bool lost;			/* wal_status lost: the server removed WAL that it needs */
	char plugin[64];
	uint64_t confirmed; /* confirmed_flush_lsn; 0 while the slot is being created */
} SlotFacts;

typedef enum TopicState
{
	TOPIC_AS_RECORDED, /* or nothing is known that says otherwise */
	TOPIC_GONE,		   /* it does not exist, and it did */
	TOPIC_ANEW,		   /* another one of this name */
	TOPIC_OTHER,	   /* events were published to one of another name */
} TopicState;

typedef struct StartupFacts
{
	const char *slot_name;
	uint64_t system_id;
	uint32_t database_oid;
	uint32_t timeline;
	uint64_t wal_end; /* the server's flushed WAL ends here */
	bool in_recovery;
	bool wal_level_logical;
	bool ledger_has_rows;
	SlotFacts slot;

	bool record_exists;	 /* for this system, database and slot */
	bool record_damaged; /* it can't be read, or is out of bounds */
	ProgressRecord record;
	/*
	 * Where the server left record.timeline; 0: it never was on it. Not looked at if they are
	 * equal.
	 */
	uint64_t timeline_switch;
	/* A record of this slot name and topic, but of another system or database. */
	bool foreign_exists;
	uint64_t foreign_system_id;
	uint32_t foreign_database_oid;

	/* Of an event that the topic has and the ledger has not; "": none. */
	const char *unknown_transaction;
	bool unknown_is_young; /* its commit may become visible yet */

	StartMode start;
	bool accept_repartition;
	const char *topic;
	TopicState topic_state;
	const char *foreign_source; /* that publishes into the topic; "": none */
	int partition_count;		/* of the event topic now */
	const char *plugin_options; /* as this bridge would ask for */
} StartupFacts;

typedef enum StartupAction
{
	STARTUP_STREAM,	 /* from start_lsn; up to recorded_lsn only what the topic has not */
	STARTUP_ADOPT,	 /* the same, but no record confirms the position: worth a warning */
	STARTUP_SETUP,	 /* create the slot, dropping one that an interrupted set-up left behind */
	STARTUP_STANDBY, /* another bridge has the slot: wait and ask again */
	STARTUP_REFUSE,	 /* status says why */
} StartupAction;

typedef struct StartupDecision
{
	StartupAction action;
	uint64_t start_lsn;
	/* The record's position, as far as this server's WAL is the recorded timeline's. */
	uint64_t recorded_lsn;
	Status status; /* OK unless refused; RETRY where waiting may help */
} StartupDecision;

/* Whether the decision leads to a stream at once. */
bool startup_streams(const StartupDecision *decision);

StartupDecision startup_check(const StartupFacts *facts);

/* Why one does not go on with a topic in this state, and the way out; OK where one does. */
Status startup_topic_judge(TopicState state, const char *topic);

/* The same for a topic into which this source publishes as well. */
Status startup_source_judge(const char *foreign_source, const char *topic);
