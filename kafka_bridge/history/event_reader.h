/*
 * event_reader.h
 *		From a record's key and value to an event, or to the reason why it is none.
 *
 * Pure: no I/O, no allocation. The event's slices point into the record, which must outlive it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json/scanner.h"

#define EVENT_UUID_BYTES	  16
#define EVENT_UUID_TEXT_BYTES 36

typedef struct EventUuid
{
	unsigned char bytes[EVENT_UUID_BYTES];
} EventUuid;

/* What the history needs of an event. Strings may hold JSON escapes where `escaped` says so. */
typedef struct Event
{
	EventUuid id;
	EventUuid wallet;
	EventUuid transaction;
	int64_t version;	   /* 0 .. 2^63 - 1 */
	int64_t created_at_us; /* since 1970-01-01 00:00 UTC */
	JsonSlice wallet_id;   /* canonical lower-case text */
	JsonSlice user_id;	   /* may hold escapes */
	JsonSlice event_type;  /* may hold escapes */
	JsonSlice amount;	   /* [0-9]{1,15}\.[0-9]{4} */
	JsonSlice record;	   /* the whole JSON object as received */
} Event;

typedef enum EventFaultKind
{
	EVENT_FAULT_TOMBSTONE, /* no value */
	EVENT_FAULT_NO_KEY,
	EVENT_FAULT_NOT_JSON,
	EVENT_FAULT_FIELD, /* a field is missing or malformed */
	EVENT_FAULT_KEY,   /* the key is not the wallet id */
	EVENT_FAULT_ID,	   /* the event id does not follow from wallet and version */
	EVENT_FAULT_SOURCE /* of another ledger, or of nobody's */
} EventFaultKind;

typedef struct EventFault
{
	EventFaultKind kind;
	char reason[160];
} EventFault;

/*
 * Reads one record. NULL value: tombstone; NULL or empty key: no key. Returns true and fills
 * *event, or false and fills *fault. Fields that are not known are ignored; known fields that the
 * history does not need may be absent, but not of a wrong type.
 */
bool event_read(const char *key, size_t key_length, const char *value, size_t value_length,
				Event *event, EventFault *fault);

/* Stable name of a fault's kind, as it stands in a dead letter's exception class. */
const char *event_fault_name(EventFaultKind kind);
