/*
 * topic_identity.c
 *		Is the event topic the one that events were published to, and is it ours alone?
 */
#include "topic_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud_event.h"
#include "kafka/topic_reader.h"
#include "wallet_event.h"

/* Leaves event_id alone where the record has none. */
static bool
event_id_read(const rd_kafka_message_t *record, char event_id[PROGRESS_EVENT_ID_BYTES])
{
	char read[PROGRESS_EVENT_ID_BYTES];

	if (!topic_header_read(record, "ce_id", read, sizeof(read)) ||
		strspn(read, "0123456789abcdef-") != WALLET_UUID_TEXT_BYTES)
		return false;
	memcpy(event_id, read, sizeof(read));
	return true;
}

typedef struct MarkSearch
{
	const TopicMark *mark;
	TopicState state;
} MarkSearch;

static void
mark_compare(void *context, const rd_kafka_message_t *record)
{
	MarkSearch *search = context;
	char event_id[PROGRESS_EVENT_ID_BYTES];

	/* A later record: this one was compacted away. */
	if (record->offset == search->mark->offset &&
		(!event_id_read(record, event_id) || strcmp(event_id, search->mark->event_id) != 0))
		search->state = TOPIC_ANEW;
}

Status
topic_identity_judge(rd_kafka_t *reader, const char *topic, const char *id,
					 const ProgressRecord *record, const Wait *wait, TopicState *state)
{
	MarkSearch search = {.mark = &record->mark, .state = TOPIC_AS_RECORDED};
	int64_t low = 0;
	int64_t high = 0;

	*state = TOPIC_AS_RECORDED;
	if (id[0] != '\0' && record->topic_id[0] != '\0')
	{
		*state = strcmp(id, record->topic_id) == 0 ? TOPIC_AS_RECORDED : TOPIC_ANEW;
		return status_ok();
	}
	if (record->mark.event_id[0] == '\0')
		return status_ok();

	Status status = topic_offsets_get(reader, topic, record->mark.partition, &low, &high, wait);

	if (status_is_ok(&status) && record->mark.offset >= low)
	{
		int64_t offset = record->mark.offset < high ? record->mark.offset : RD_KAFKA_OFFSET_END;

		status = topic_read_one(reader, topic, record->mark.partition, offset, mark_compare,
								&search, &high, wait);
		/* Behind an open transaction it can't be compared now. */
		if (status_is_ok(&status) && record->mark.offset >= high)
			search.state = TOPIC_ANEW;
	}
	*state = search.state;
	return status;
}

/* Offsets that are looked at in each partition: at first, times what, and at last. */
#define TAIL_DEPTH		  4
#define TAIL_DEPTH_PLACES 500
#define TAIL_FACTOR		  20
#define TAIL_DEPTH_MAX	  1000000

/* For a partition that must be looked at more deeply: a million records may have to come. */
#define TAIL_TIMEOUT_MS 60000

typedef struct TailReading
{
	const TailQuestion *question;
	TopicTail *tail;
	bool *seen;							 /* by partition: a record was there at all */
	bool *left_out;						 /* by partition */
	char (*sources)[TOPIC_SOURCE_BYTES]; /* by partition: of its newest record; "": ours or old */
} TailReading;

/* Any writer of the topic may have made it: only what looks like an id is one. */
static void
origin_read(const rd_kafka_message_t *record, int64_t timestamp_ms, TopicOrigin *origin)
{
	static const char member[] = "\"transaction_id\":\"";
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *at = record->payload == NULL
						 ? NULL
						 : memmem(record->payload, record->len, member, sizeof(member) - 1);

	origin->transaction_id[0] = '\0';
	if (at == NULL)
		return;
	at += sizeof(member) - 1;
	if ((size_t) ((const char *) record->payload + record->len - at) < WALLET_UUID_TEXT_BYTES)
		return;
	for (int i = 0; i < WALLET_UUID_TEXT_BYTES; i++)
		if (form[i] == '-' ? at[i] != '-' : strchr("0123456789abcdef", at[i]) == NULL || at[i] == 0)
			return;
	memcpy(origin->transaction_id, at, WALLET_UUID_TEXT_BYTES);
	origin->transaction_id[WALLET_UUID_TEXT_BYTES] = '\0';
	origin->timestamp_ms = timestamp_ms;
}

/* Whether the record came after the topic was accepted: a clock may have been set back since. */
static bool
record_is_later(const TailQuestion *question, const rd_kafka_message_t *record,
				int64_t timestamp_ms)
{
	return timestamp_ms >= question->since_ms ||
		   record->partition >= question->since_partition_count;
}

static void
tail_look(void *context, const rd_kafka_message_t *record)
{
	TailReading *reading = context;
	TopicTail *tail = reading->tail;
	char *foreign = reading->sources[record->partition];
	char source[TOPIC_SOURCE_BYTES];
	char sequence[CLOUD_EVENT_SEQUENCE_BYTES];
	TopicPlace *place = &tail->places[record->partition];
	rd_kafka_timestamp_type_t type;
	int64_t timestamp_ms = rd_kafka_message_timestamp(record, &type);
	bool later = record_is_later(reading->question, record, timestamp_ms);

	if (timestamp_ms > tail->newest_ms)
		tail->newest_ms = timestamp_ms;
	foreign[0] = '\0';
	reading->seen[record->partition] = true;
	if (event_id_read(record, tail->mark.event_id))
	{
		tail->mark.partition = record->partition;
		tail->mark.offset = record->offset;
	}
	if (!topic_header_read(record, "ce_source", source, sizeof(source)))
		return;
	if (strcmp(source, reading->question->source) != 0)
	{
		if (later)
			snprintf(foreign, TOPIC_SOURCE_BYTES, "%s", source);
		return;
	}
	if (later)
		origin_read(record, timestamp_ms, &tail->origins[record->partition]);
	if (topic_header_read(record, "ce_sequence", sequence, sizeof(sequence)))
		(void) cloud_event_sequence_read(sequence, &place->end_lsn, &place->ordinal);
}

/* Whether what is asked for may lie further back than depth in a partition. */
static Status
tail_ends_early(rd_kafka_t *reader, const TailReading *reading, const TopicPart *part,
				const Wait *wait, bool *early)
{
	const TailQuestion *question = reading->question;
	int64_t low = 0;
	int64_t high = 0;
	Status status = status_ok();

	*early = false;
	if (question->depth == TAIL_PLACES ? reading->tail->places[part->partition].end_lsn != 0
									   : reading->seen[part->partition])
		return status;
	status = topic_offsets_get(reader, question->topic, part->partition, &low, &high, wait);
	*early = status_is_ok(&status) && high - low > part->depth && part->depth < TAIL_DEPTH_MAX;
	return status;
}

/* What was seen of the partition before is seen again. */
static Status
partition_look_deeper(rd_kafka_t *reader, TailReading *reading, TopicPart part, int stop_fd)
{
	Wait wait = wait_begin(stop_fd, TAIL_TIMEOUT_MS);
	bool early = true;
	Status status = status_ok();

	part.partition_count = 1;
	part.left_out = part.left_out != NULL ? part.left_out + part.partition : NULL;
	while (status_is_ok(&status) && early)
	{
		status = tail_ends_early(reader, reading, &part, &wait, &early);
		if (!status_is_ok(&status) || !early)
			break;
		part.depth =
			part.depth > TAIL_DEPTH_MAX / TAIL_FACTOR ? TAIL_DEPTH_MAX : part.depth * TAIL_FACTOR;
		status =
			topic_read_part(reader, reading->question->topic, &part, tail_look, reading, &wait);
	}
	return status;
}

/* All partitions at once, and those that hold nothing of interest in their newest records alone. */
static Status
tail_look_all(rd_kafka_t *reader, TailReading *reading, const Wait *wait)
{
	const TailQuestion *question = reading->question;
	TopicPart part = {
		.partition_count = question->partition_count,
		.depth = question->depth == TAIL_PLACES ? TAIL_DEPTH_PLACES : TAIL_DEPTH,
		.left_out = question->passes_open ? reading->left_out : NULL,
	};
	Status status = topic_read_part(reader, question->topic, &part, tail_look, reading, wait);

	for (int i = 0; i < question->partition_count && question->depth != TAIL_GLANCE; i++)
	{
		if (!status_is_ok(&status))
			break;
		part.partition = i;
		status = partition_look_deeper(reader, reading, part, wait->stop_fd);
	}
	return status;
}

Status
topic_tail_read(rd_kafka_t *reader, const TailQuestion *question, const Wait *wait, TopicTail *tail)
{
	TailReading reading = {.question = question, .tail = tail};
	size_t count = (size_t) question->partition_count;
	Status status = status_ok();

	*tail = (TopicTail){.partition_count = question->partition_count};
	tail->places = calloc(count, sizeof(*tail->places));
	tail->origins = calloc(count, sizeof(*tail->origins));
	reading.sources = calloc(count, sizeof(*reading.sources));
	reading.seen = calloc(count, sizeof(*reading.seen));
	reading.left_out = calloc(count, sizeof(*reading.left_out));
	if (tail->places == NULL || tail->origins == NULL || reading.sources == NULL ||
		reading.seen == NULL || reading.left_out == NULL)
		status = status_bug("out of memory");
	if (status_is_ok(&status))
		status = tail_look_all(reader, &reading, wait);
	for (size_t i = 0; i < count && status_is_ok(&status); i++)
	{
		if (reading.sources[i][0] != '\0')
			memcpy(tail->foreign_source, reading.sources[i], TOPIC_SOURCE_BYTES);
		tail->left_out = tail->left_out || reading.left_out[i];
	}
	free(reading.sources);
	free(reading.seen);
	free(reading.left_out);
	if (!status_is_ok(&status))
		topic_tail_free(tail);
	return status;
}

void
topic_tail_free(TopicTail *tail)
{
	free(tail->places);
	free(tail->origins);
	tail->places = NULL;
	tail->origins = NULL;
	tail->partition_count = 0;
}

bool
topic_tail_has(const TopicTail *tail, int partition, uint64_t end_lsn, uint32_t ordinal)
{
	if (partition < 0 || partition >= tail->partition_count)
		return false;

	const TopicPlace *place = &tail->places[partition];

	return place->end_lsn > end_lsn ||
		   (place->end_lsn == end_lsn && place->ordinal >= ordinal && end_lsn != 0);
}
