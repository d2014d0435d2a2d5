/*
 * transit_writer.h
 *		The messages by which databases settle a transfer between their wallets, as JSON.
 *
 *		send	of the source: a transit was entered, the payer has paid
 *		cancel	of the source: it is to be refused unless it is credited already
 *		answer	of the destination: what became of it
 *
 * Call order for a row: transit_message_of_update if it is one, transit_key_make, transit_write.
 */
#pragma once

#include "postgres.h"

#include "event_writer.h"
#include "lib/stringinfo.h"
#include "transit_row.h"

typedef enum TransitMessage
{
	TRANSIT_NO_MESSAGE,
	TRANSIT_SEND,
	TRANSIT_CANCEL,
	TRANSIT_ANSWER
} TransitMessage;

/* What an UPDATE of the source's row says: only that a transit is to be cancelled. */
extern TransitMessage transit_message_of_update(const TransitRow *row);

/* wallet_id: the one that the message goes to; event_id: the transit. */
extern EventKey transit_key_make(const TransitRow *row, TransitMessage message);

/*
 * Appends the message; false with the error's reason, and the buffer as it was, where the row can't
 * be rendered. Never raises because of data. Allocates in the current context.
 */
extern bool transit_write(StringInfo out, const TransitRow *row, TransitMessage message,
						  EventError *error);
