/*
 * consumer_parts.h
 *		What the consumer works with, made from the configuration: the Kafka side, and the workers,
 *		each with a PostgreSQL side and dead letters of its own.
 */
#pragma once

#include "applier.h"
#include "apply_worker.h"
#include "dead_letter.h"
#include "history_config.h"
#include "history_session.h"
#include "base/status.h"
#include "subscriber.h"
#include "topic_watch.h"
#include "work_queues.h"

/* Stays where it is: the parts point into it. */
typedef struct ConsumerParts
{
	char owner[HISTORY_OWNER_BYTES]; /* name of this process in wallet_history_offsets */
	char *dead_letter_topic;
	ApplierOptions applier_options;
	DeadLetterOptions dead_letter_options;
	SubscriberOptions subscriber_options;
	FormerOwners former_owners;
	size_t worker_count;				 /* the appliers', and one that counts, which is the last */
	Applier *appliers[APPLIERS_MAX + 1]; /* each is its worker's, as are the next */
	DeadLetter *dead_letters[APPLIERS_MAX + 1];
	ApplyWorker *workers[APPLIERS_MAX + 1];
	Subscriber *subscriber;
	TopicWatch *watch;
} ConsumerParts;

/* parts are zero-initialised; config must outlive them. Free them after an error too. */
Status consumer_parts_make(ConsumerParts *parts, const HistoryConfig *config);
void consumer_parts_free(ConsumerParts *parts);
