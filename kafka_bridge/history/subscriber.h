/*
 * subscriber.h
 *		The Kafka side of the history: group membership, records, positions for the lag tools.
 *
 * Knows nothing of PostgreSQL. One thread. Call order: subscriber_new(); subscriber_topic_exists()
 * until it does; subscriber_join(); subscriber_poll() for ever; subscriber_free().
 *
 * What the group gives and takes is news like a record: librdkafka's callback only writes it down
 * and makes the poll return. The group waits for the loop's answer: partitions that came are
 * answered when their positions are found, partitions that go at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kafka/client.h"
#include "kafka/topic.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct SubscriberOptions
{
	const KafkaOptions *kafka;
	const char *group;
} SubscriberOptions;

typedef struct Subscriber Subscriber;

/* options and what they point to must outlive the subscriber. */
Status subscriber_new(const SubscriberOptions *options, Subscriber **subscriber);

/* Gives up its partitions, leaves the group, frees; NULL is fine. */
void subscriber_free(Subscriber *subscriber);

Status subscriber_topic_exists(Subscriber *subscriber, const Wait *wait, bool *exists);

Status subscriber_join(Subscriber *subscriber);

/* Gives up all partitions; the news that they go comes in a later poll if there were any. */
Status subscriber_leave(Subscriber *subscriber);

typedef enum SubscriberNewsKind
{
	SUBSCRIBER_NOTHING,
	SUBSCRIBER_RECORD, /* record is the caller's, for subscriber_record_release() */
	SUBSCRIBER_END,	   /* the partition is read to its end, which is at offset */
	SUBSCRIBER_CAME,   /* the answer is subscriber_assign() or subscriber_decline() */
	SUBSCRIBER_GOES,   /* the answer is subscriber_give_back(), before the next poll */
	SUBSCRIBER_ERROR   /* error says what; RETRY: it will mend itself */
} SubscriberNewsKind;

typedef struct SubscriberNews
{
	SubscriberNewsKind kind;
	rd_kafka_message_t *record;
	int32_t partition;
	int64_t offset;
	const int32_t *partitions; /* that came or go; valid until the next poll */
	size_t partition_count;
	bool lost; /* GOES: somebody else may have the partitions already */
	Status error;
} SubscriberNews;

/* Waits at most timeout_ms for something to happen. */
void subscriber_poll(Subscriber *subscriber, int timeout_ms, SubscriberNews *news);

/* Takes an rd_kafka_message_t. */
void subscriber_record_release(void *record);

/* The earliest offset that the partition still has, and that of its next record. */
Status subscriber_bounds(Subscriber *subscriber, int32_t partition, int timeout_ms, int64_t *start,
						 int64_t *end);

/* Kafka's id of the topic, "" where that can't be known. */
Status subscriber_topic_id(Subscriber *subscriber, int timeout_ms, char id[KAFKA_TOPIC_ID_BYTES]);

/* Whether Kafka removes single records of the topic from between others. */
Status subscriber_topic_is_compacted(Subscriber *subscriber, int timeout_ms, bool *is_compacted);

typedef struct SubscriberPosition
{
	int32_t partition;
	int64_t offset; /* of the next record */
} SubscriberPosition;

/* Starts reading partitions that came. */
Status subscriber_assign(Subscriber *subscriber, const SubscriberPosition *positions, size_t count);

/* Takes none of the partitions that came, if they still wait for subscriber_assign(). */
void subscriber_decline(Subscriber *subscriber);

/* Lets the partitions go that the latest SUBSCRIBER_GOES named. */
void subscriber_give_back(Subscriber *subscriber);

/* Stops and resumes delivery; membership goes on. The first partition that refuses is the error. */
Status subscriber_pause(Subscriber *subscriber, const int32_t *partitions, size_t count);
Status subscriber_resume(Subscriber *subscriber, const int32_t *partitions, size_t count);

/*
 * Tells Kafka how far the group is, for the lag tools only: nothing is ever read from there. Waits
 * for the answer or not; errors are of no consequence.
 */
void subscriber_commit(Subscriber *subscriber, const SubscriberPosition *positions, size_t count,
					   bool wait);

/*
 * True once after each report of librdkafka that the group is at rest, about every second: the time
 * for subscriber_commit(). A commit that meets a rebalance makes librdkafka before 2.10 give up all
 * partitions (its issue 4059); one that is on its way when a rebalance begins still may.
 */
bool subscriber_commit_is_due(Subscriber *subscriber);

/* The partition's end as far as it is known, or -1. */
int64_t subscriber_end_offset(const Subscriber *subscriber, int32_t partition);

/* Whether the topic was found missing since partitions came last. */
bool subscriber_topic_is_missing(const Subscriber *subscriber);

/* Whether any broker is connected, by the latest statistics. */
bool subscriber_is_connected(const Subscriber *subscriber);
