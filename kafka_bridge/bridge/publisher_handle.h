/*
 * publisher_handle.h
 *		Makes the publisher's producer: what its delivery asks of librdkafka.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "publisher.h"

/* What a batch adds around one record, and the room a value needs for its headers. */
#define BATCH_OVERHEAD_BYTES 512

typedef void (*PublisherHandleReport)(rd_kafka_t *handle, const rd_kafka_message_t *message,
									  void *opaque);

/* observer lives as long as the handle. */
Status publisher_handle_open(const PublisherPlan *plan, KafkaObserver *observer,
							 PublisherHandleReport report, rd_kafka_t **handle);

/* Why the producer is of no more use: another one may do better, unless it was fenced. */
Status publisher_handle_fatal(rd_kafka_t *handle);
