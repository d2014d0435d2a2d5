/*
 * event_message.c
 *		What an event is in Kafka beside its JSON: headers, timestamp, and the stub of a dead
 *		letter.
 */
#include "event_message.h"

#include <stdio.h>

#include "base/clock.h"
#include "cloud_event.h"
#include "wallet_event.h"

#define header_add_text(headers, name, text) \
	rd_kafka_header_add(headers, name, sizeof(name) - 1, text, sizeof(text) - 1)

/* CloudEvents 1.0, Kafka binary mode. */
rd_kafka_headers_t *
event_headers_make(const PublisherEvent *event, const char *source)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(9);
	char time[CLOUD_EVENT_TIME_BYTES];
	char sequence[CLOUD_EVENT_SEQUENCE_BYTES];

	cloud_event_time_write(event->created_at, time);
	header_add_text(headers, "content-type", "application/json");
	header_add_text(headers, "ce_specversion", "1.0");
	rd_kafka_header_add(headers, "ce_id", 5, event->event_id, WALLET_UUID_TEXT_BYTES);
	header_add_text(headers, "ce_type", "wallet.entry.v1");
	rd_kafka_header_add(headers, "ce_source", 9, source, -1);
	rd_kafka_header_add(headers, "ce_subject", 10, event->wallet_id, WALLET_UUID_TEXT_BYTES);
	header_add_text(headers, "ce_time", time);
	if (event->replay)
		header_add_text(headers, "replay", "true");
	else
	{
		cloud_event_sequence_write(event->end_lsn, event->ordinal, sequence);
		header_add_text(headers, "ce_sequence", sequence);
		if (event->transaction_events > 0)
		{
			char count[16];
			int bytes = snprintf(count, sizeof(count), "%u", event->transaction_events);

			rd_kafka_header_add(headers, "ce_txcount", 10, count, bytes);
		}
	}
	return headers;
}

/* A clock that is ahead must not make the broker refuse the event; 0 would mean "now". */
int64_t
event_timestamp_ms(int64_t timestamp)
{
	int64_t now = clock_wall_us();

	if (timestamp > now)
		timestamp = now;
	return timestamp >= 1000 ? timestamp / 1000 : 1;
}

/* A pointer to the ledger's row, not the event: it may be what made the event too large. */
size_t
event_dead_letter_write(const PublisherEvent *event, char text[EVENT_DEAD_LETTER_BYTES])
{
	char sequence[CLOUD_EVENT_SEQUENCE_BYTES] = "";

	if (!event->replay)
		cloud_event_sequence_write(event->end_lsn, event->ordinal, sequence);
	return (size_t) snprintf(text, EVENT_DEAD_LETTER_BYTES,
							 "{\"event_id\":\"%.*s\",\"wallet_id\":\"%.*s\"%s%s%s,"
							 "\"event_bytes\":%zu}",
							 WALLET_UUID_TEXT_BYTES, event->event_id, WALLET_UUID_TEXT_BYTES,
							 event->wallet_id, event->replay ? "" : ",\"sequence\":\"", sequence,
							 event->replay ? "" : "\"", event->json_bytes);
}

void
event_name_write(const rd_kafka_message_t *message, char *name, size_t bytes)
{
	rd_kafka_headers_t *headers;
	const void *id;
	size_t id_bytes;

	if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		rd_kafka_header_get_last(headers, "ce_id", &id, &id_bytes) == RD_KAFKA_RESP_ERR_NO_ERROR)
		snprintf(name, bytes, "event %.*s for topic \"%s\"", (int) id_bytes, (const char *) id,
				 rd_kafka_topic_name(message->rkt));
	else
		snprintf(name, bytes, "record for topic \"%s\"", rd_kafka_topic_name(message->rkt));
}
