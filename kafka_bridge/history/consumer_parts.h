/*
 * consumer_parts.h
 *		What the consumer works with, made from the configuration: the Kafka side, and the worker
 *		with the PostgreSQL side and the dead letters.
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

/* Stays where it is: the parts point into it. The applier and the dead letters are the worker's. */
typedef struct ConsumerParts
{
	char owner[HISTORY_OWNER_BYTES]; /* name of this process in wallet_history_offsets */
	char *dead_letter_topic;
	ApplierOptions applier_options;
	DeadLetterOptions dead_letter_options;
	SubscriberOptions subscriber_options;
	Applier *applier;
	DeadLetter *dead_letter;
	ApplyWorker *worker;
	Subscriber *subscriber;
	TopicWatch *watch;
} ConsumerParts;

/* parts are zero-initialised; config must outlive them. Free them after an error too. */
Status consumer_parts_make(ConsumerParts *parts, const HistoryConfig *config);
void consumer_parts_free(ConsumerParts *parts);
