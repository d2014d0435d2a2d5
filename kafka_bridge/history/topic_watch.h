/*
 * topic_watch.h
 *		Looks beside the running history whether its topic is still the one that is read (INV-14).
 *
 * A topic that is deleted and made anew while nobody asks for its records goes on under the offsets
 * of the old one, and librdkafka notices nothing. So records that were applied a while ago are read
 * again, by a client of its own.
 *
 * One look at a time, in a thread of its own. The rest belongs to the consumer's thread.
 */
#pragma once

#include <stdint.h>

#include "base/status.h"
#include "kafka/client.h"
#include "membership.h"

typedef struct TopicWatch TopicWatch;

/* kafka must outlive it. NULL when out of memory or descriptors. */
TopicWatch *topic_watch_new(const KafkaOptions *kafka, int64_t interval_ms);

/* Ends a look that is under way. NULL is fine. */
void topic_watch_free(TopicWatch *watch);

/* The next turn begins a look. */
void topic_watch_hurry(TopicWatch *watch);

/*
 * For every turn of the consumer's loop: begins a look at the membership's partitions when it is
 * time, and takes up what came of the last one. FATAL: the topic is another one.
 */
Status topic_watch_turn(TopicWatch *watch, Membership *membership, int64_t now_ms);
