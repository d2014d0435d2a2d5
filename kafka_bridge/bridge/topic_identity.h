/*
 * topic_identity.h
 *		Is the event topic the one that events were published to, and is it ours alone? (INV-14)
 *
 * A topic that was deleted and made anew has the name of the old one and none of its events.
 * Kafka's topic id tells, where librdkafka can; else the mark does, a record that must stand where
 * it stood.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/wait.h"
#include "progress_record.h"
#include "server_facts.h"
#include "startup_check.h"
#include "wallet_event.h"

#define TOPIC_SOURCE_BYTES		SERVER_SOURCE_BYTES
#define TOPIC_TRANSACTION_BYTES (WALLET_UUID_TEXT_BYTES + 1)

/*
 * Judges an existing topic against what was recorded of it. id: its id now, "" where not known. Of
 * a mark that expired or was compacted away nothing follows.
 */
Status topic_identity_judge(rd_kafka_t *reader, const char *topic, const char *id,
							const ProgressRecord *record, const Wait *wait, TopicState *state);

/* The place of an event in the order of the WAL, as ce_sequence has it. Zeros: not known. */
typedef struct TopicPlace
{
	uint64_t end_lsn;
	uint32_t ordinal;
} TopicPlace;

/* Where the newest event of a partition came from, of our source and since it was accepted. */
typedef struct TopicOrigin
{
	char transaction_id[TOPIC_TRANSACTION_BYTES]; /* "": none is known */
	int64_t timestamp_ms;
} TopicOrigin;

/* What the newest records of each partition say. */
typedef struct TopicTail
{
	TopicPlace *places;	  /* by partition: of its newest event of our source; free it */
	TopicOrigin *origins; /* by partition */
	int partition_count;
	TopicMark mark;	   /* one of the newest records; no event_id where the topic is empty */
	int64_t newest_ms; /* the latest of their times */
	char foreign_source[TOPIC_SOURCE_BYTES]; /* of a newest record that is not ours; "": none */
	bool left_out; /* an open Kafka transaction keeps records back, which were not waited for */
} TopicTail;

/* How far back the tail is looked at. */
typedef enum TailDepth
{
	TAIL_GLANCE, /* a few offsets, and no more: where they hold no record there is none to see */
	TAIL_NEWEST, /* the newest record of each partition */
	TAIL_PLACES	 /* and its newest event of our source */
} TailDepth;

typedef struct TailQuestion
{
	const char *topic;
	int partition_count;
	TailDepth depth;
	bool passes_open; /* no wait for the end of open Kafka transactions */
	const char *source;
	int64_t since_ms; /* older records of another source were there when the topic was accepted */
	int since_partition_count; /* in partitions beyond these nothing was there then */
} TailQuestion;

/* Replays, aborted transactions and their marks may lie before what is looked for. */
Status topic_tail_read(rd_kafka_t *reader, const TailQuestion *question, const Wait *wait,
					   TopicTail *tail);
void topic_tail_free(TopicTail *tail);

/* Whether the partition's newest event is this one or a later one: then this one is in it. */
bool topic_tail_has(const TopicTail *tail, int partition, uint64_t end_lsn, uint32_t ordinal);
