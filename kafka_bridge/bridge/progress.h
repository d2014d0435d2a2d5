/*
 * progress.h
 *		The bridge's position in the progress topic: read at start, written by hand at set-up.
 *		(While streaming the outbox writes it.)
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "kafka/client.h"
#include "progress_record.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct ProgressFound
{
	bool exists; /* under our key */
	ProgressRecord record;
	bool damaged;		 /* the newest one under our key can't be read, or no owner can follow it */
	bool foreign_exists; /* same slot name and event topic, another system or database */
	ProgressKey foreign;
} ProgressFound;

/* Reads the topic to its end with a handle of topic_reader_open; left_out: as in TopicPart. */
Status progress_read(rd_kafka_t *handle, const char *progress_topic, const ProgressKey *key,
					 const char *event_topic, bool *left_out, const Wait *wait,
					 ProgressFound *found);

/* Writes a record and waits until Kafka has it; record NULL removes the key. */
Status progress_write(const KafkaOptions *options, const char *progress_topic,
					  const ProgressKey *key, const ProgressRecord *record, const Wait *wait);
