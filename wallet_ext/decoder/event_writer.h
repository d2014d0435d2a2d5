/*
 * event_writer.h
 *		The event of a ledger row's side, as JSON.
 *
 * Call order for a row: event_key_make for each side it has, then event_write with that key.
 */
#pragma once

#include "postgres.h"

#include "json_value.h"
#include "ledger_row.h"
#include "lib/stringinfo.h"
#include "wallet_event.h"

#define EVENT_ID_UNKNOWN "------------------------------------"

/* What is known of an event even where its JSON can't be written. */
typedef struct EventKey
{
	char wallet_id[WALLET_UUID_TEXT_BYTES]; /* EVENT_ID_UNKNOWN where it can't be read */
	char event_id[WALLET_UUID_TEXT_BYTES];	/* the same */
	int64 created_at;						/* microseconds since 1970 in UTC; 0 where unknown */
} EventKey;

static inline EventKey
event_key_unknown(void)
{
	EventKey key = {.created_at = 0};

	memcpy(key.wallet_id, EVENT_ID_UNKNOWN, sizeof(key.wallet_id));
	memcpy(key.event_id, EVENT_ID_UNKNOWN, sizeof(key.event_id));
	return key;
}

/* A key's created_at: microseconds since 1970, 0 where the time has no form in an event. */
static inline int64
event_time_make(TimestampTz time)
{
	return time_is_in_range(time)
			   ? time + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY
			   : 0;
}

/* Why an event can't be written. ASCII text for an operator. */
typedef struct EventError
{
	char reason[256];
} EventError;

/* The identity of a side's event. A row without any side takes part as LEDGER_FROM. */
extern void event_key_make(EventKey *key, const LedgerRow *row, LedgerSide side);

/*
 * Appends the event, at most WALLET_EVENT_JSON_BYTES_MAX long; false with the error's reason, and
 * the buffer as it was, where the row can't be rendered. Never raises because of data. Allocates in
 * the current context, which the caller resets.
 */
extern bool event_write(StringInfo out, const LedgerRow *row, LedgerSide side, const EventKey *key,
						EventError *error);

/* Appends the line that format=json has in place of an event that can't be written. */
extern void event_error_write(StringInfo out, const EventKey *key, const EventError *error);
