/*
 * progress_record.h
 *		The bridge's position as it stands in the progress topic: fields, key and JSON text.
 *
 * Pure. The key names whose position it is: "<system id>/<database oid>/<slot>". The value:
 *		{"v":1,"generation":3,"state":"streaming","lsn":"0/16B3748","timeline":1,"options":"...",
 *		 "partitions":6,"topic":"wallet-events","since":1764460800000,"topic_id":"...",
 *		 "mark":{"partition":2,"offset":17,"event_id":"..."},
 *		 "inside":{"lsn":"0/16C0000","events":9},"event_lsn":"0/16B3700"}
 * Unknown members are ignored, so that a later version may append some; the last five may lack.
 *
 * The generation counts the owners of the position: whoever takes over writes with the next one,
 * and a record of an earlier generation that comes late (its writer was frozen) no longer counts.
 *
 * A topic is not its name (INV-14): topic_id is what Kafka calls it, where the client library can
 * tell; the mark is a record that stood in it, and in a topic made anew stands there no more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_SLOT_BYTES		64
#define PROGRESS_OPTIONS_BYTES	128
#define PROGRESS_TOPIC_BYTES	256
#define PROGRESS_KEY_BYTES		128
#define PROGRESS_VALUE_BYTES	1024
#define PROGRESS_TOPIC_ID_BYTES 32
#define PROGRESS_EVENT_ID_BYTES 37

/* No bridge ever gets there, and every JSON reader can hold it. */
#define PROGRESS_GENERATION_MAX (INT64_C(1) << 53)

typedef struct ProgressKey
{
	uint64_t system_id;
	uint32_t database_oid;
	char slot[PROGRESS_SLOT_BYTES];
} ProgressKey;

typedef enum ProgressState
{
	PROGRESS_SETUP,		/* the slot is being created or the ledger backfilled: lsn means nothing */
	PROGRESS_STREAMING, /* every event before lsn is in Kafka */
} ProgressState;

/* A record of the event topic and where it stands. */
typedef struct TopicMark
{
	int64_t offset;
	int32_t partition;
	char event_id[PROGRESS_EVENT_ID_BYTES]; /* "": there is no mark */
} TopicMark;

/* In the middle of a commit that is split over several Kafka transactions. */
typedef struct ProgressInside
{
	uint64_t end_lsn; /* of the commit; 0: in the middle of none */
	uint32_t events;  /* of it that are in Kafka: those with lower ordinals */
} ProgressInside;

typedef struct ProgressRecord
{
	ProgressState state;
	int64_t generation;
	uint64_t lsn;
	ProgressInside inside; /* of a commit that ends after lsn */
	uint64_t event_lsn;	   /* end of the newest commit up to lsn that has events; 0: not known */
	uint32_t timeline;
	int partition_count;
	char options[PROGRESS_OPTIONS_BYTES];	/* of the output plugin */
	char topic[PROGRESS_TOPIC_BYTES];		/* where the events are */
	char topic_id[PROGRESS_TOPIC_ID_BYTES]; /* "": not known */
	TopicMark mark;
	int64_t since_ms; /* when a position was first recorded, or last by hand; 0: not known */
} ProgressRecord;

/* Writes the text with a terminator and returns its length. */
size_t progress_key_write(const ProgressKey *key, char text[PROGRESS_KEY_BYTES]);
size_t progress_record_write(const ProgressRecord *record, char text[PROGRESS_VALUE_BYTES]);

/* Where the last commit ends of which Kafka has an event. */
uint64_t progress_record_end(const ProgressRecord *record);

/*
 * The later of two positions, which may lie in the middle of a commit: what either has is in it. A
 * record must never go back behind what the topic has, or the next start would send it again.
 */
void progress_record_raise(ProgressRecord *record, uint64_t lsn, ProgressInside inside);

/*
 * The position that a server must contain to have every commit of which events are in Kafka. WAL
 * behind it, up to lsn, is of no concern to anybody, and a standby need not have got it.
 */
uint64_t progress_record_needs(const ProgressRecord *record);

/* Whether the record says that an event is in Kafka. */
bool progress_record_has(const ProgressRecord *record, uint64_t end_lsn, uint32_t ordinal);

/* False where the text is not one of ours; then the result is not to be used. */
bool progress_key_read(const char *text, size_t bytes, ProgressKey *key);
bool progress_record_read(const char *text, size_t bytes, ProgressRecord *record);
