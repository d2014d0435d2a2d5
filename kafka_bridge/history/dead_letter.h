/*
 * dead_letter.h
 *		Sends poison to the dead letter topic, as it came, with headers that say where and why.
 *
 * One thread. Call order: dead_letter_new(); dead_letter_send() any number of times;
 * dead_letter_free(). Connects and creates the topic at the first dead letter.
 */
#pragma once

#include <stddef.h>

#include "batch.h"
#include "kafka/client.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct DeadLetterOptions
{
	const KafkaOptions *kafka; /* its topic is where the records come from */
	const char *topic;		   /* where dead letters go */
	const char *group;
} DeadLetterOptions;

typedef struct DeadLetter DeadLetter;

/* options and what they point to must outlive it. NULL when out of memory. */
DeadLetter *dead_letter_new(const DeadLetterOptions *options);
void dead_letter_free(DeadLetter *dead_letter);

/*
 * Sends the batch's poison that was not delivered yet, and waits until the brokers have all of it.
 * After a RETRY the rest may be sent again: a record can then stand in the topic twice. The
 * records' handles are rd_kafka_message_t.
 */
Status dead_letter_send(DeadLetter *dead_letter, Batch *batch, const Wait *wait, size_t *sent);
