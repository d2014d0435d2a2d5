/*
 * event_message.h
 *		What an event is in Kafka beside its JSON: headers, timestamp, and the stub of a dead
 *		letter.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "publisher.h"

#define EVENT_DEAD_LETTER_BYTES 256

/* source: ce_source. The result is librdkafka's once the message is sent. */
rd_kafka_headers_t *event_headers_make(const PublisherEvent *event, const char *source);

/* Microseconds to milliseconds since 1970, never in the future. */
int64_t event_timestamp_ms(int64_t timestamp);

/* Returns the length. */
size_t event_dead_letter_write(const PublisherEvent *event, char text[EVENT_DEAD_LETTER_BYTES]);

/* A refused record for the operator: its topic and, from its ce_id header, the event's id. */
void event_name_write(const rd_kafka_message_t *message, char *name, size_t bytes);
