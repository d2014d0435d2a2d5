/*
 * event_source.c
 *		An event of another ledger would stand in the history for ever, under its own wallet or,
 *		with a copy of the database about, under one of ours.
 */
#include "event_source.h"

#include <stdio.h>
#include <string.h>

#define SOURCE_HEADER "ce_source"

static bool
fault_set(EventFault *fault, const char *what, const char *text)
{
	fault->kind = EVENT_FAULT_SOURCE;
	snprintf(fault->reason, sizeof(fault->reason), "%s%s", what, text);
	return false;
}

void
event_source_first(const char *told, char first[EVENT_SOURCE_BYTES])
{
	snprintf(first, EVENT_SOURCE_BYTES, "%.*s", told == NULL ? 0 : (int) strcspn(told, ","),
			 told == NULL ? "" : told);
}

static bool
told_has(const char *told, const char *text)
{
	size_t length = strlen(text);

	while (told != NULL)
	{
		if (strcspn(told, ",") == length && memcmp(told, text, length) == 0)
			return true;
		told = strchr(told, ',');
		if (told != NULL)
			told++;
	}
	return false;
}

bool
event_source_matches(EventSource *source, const char *text, EventFault *fault)
{
	if (text == NULL || text[0] == '\0')
		return fault_set(fault, "the record has no header ", SOURCE_HEADER);
	if (strcmp(source->own, text) == 0 || told_has(source->told, text))
		return true;
	if (source->own[0] != '\0' || source->told != NULL)
		return fault_set(fault, "the history is not of the source ", text);
	snprintf(source->own, sizeof(source->own), "%s", text);
	return true;
}

bool
event_source_accepts(EventSource *source, const rd_kafka_message_t *record, EventFault *fault)
{
	char text[EVENT_SOURCE_BYTES];
	rd_kafka_headers_t *headers;
	const void *value = NULL;
	size_t bytes = 0;

	if (rd_kafka_message_headers(record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
		rd_kafka_header_get_last(headers, SOURCE_HEADER, &value, &bytes) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		value == NULL)
		return event_source_matches(source, NULL, fault);
	if (bytes >= sizeof(text))
		return fault_set(fault, "too long is the header ", SOURCE_HEADER);
	memcpy(text, value, bytes);
	text[bytes] = '\0';
	return event_source_matches(source, text, fault);
}
