/*
 * event_source.h
 *		Which ledger's events a group applies: a topic is anybody's, its name proves nothing.
 *
 * A source is what the header ce_source says: /wallet/<system identifier>/<database>.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "event_reader.h"

#define EVENT_SOURCE_BYTES 384

/* Zero-initialised, with told, it takes the first event's source. */
typedef struct EventSource
{
	char own[EVENT_SOURCE_BYTES]; /* "": not known yet */
	const char *told;			  /* others that are taken too, with commas between; NULL: none */
} EventSource;

/* Whether the record is of the group's source; else *fault says of which it is. */
bool event_source_accepts(EventSource *source, const rd_kafka_message_t *record, EventFault *fault);

/* The same for the text of a header, NULL where there is none. Pure. */
bool event_source_matches(EventSource *source, const char *text, EventFault *fault);

/* The first of the sources that were told, "" where none was. */
void event_source_first(const char *told, char first[EVENT_SOURCE_BYTES]);
