/*
 * transaction_hold.c
 *		Holds the events of a transaction back until its commit says how many there are.
 */
#include "transaction_hold.h"

#include <stdlib.h>
#include <string.h>

#include "wallet_event.h"

#define EVENTS_MAX 1024
#define BYTES_MAX  1048576

typedef struct HeldFrame
{
	FrameKind kind;
	Frame frame; /* its pointers are set when it is handed on */
	size_t at;	 /* of its texts, one after the other */
} HeldFrame;

struct TransactionHold
{
	HeldFrame *frames;
	char *texts;
	size_t count;
	size_t sent; /* of these, handed on already */
	size_t bytes;
	bool holding; /* not, once the transaction was found too large */
};

TransactionHold *
transaction_hold_new(void)
{
	TransactionHold *hold = calloc(1, sizeof(*hold));

	if (hold == NULL)
		return NULL;
	hold->frames = calloc(EVENTS_MAX, sizeof(*hold->frames));
	hold->texts = malloc(BYTES_MAX);
	if (hold->frames != NULL && hold->texts != NULL)
		return hold;
	transaction_hold_free(hold);
	return NULL;
}

void
transaction_hold_free(TransactionHold *hold)
{
	if (hold == NULL)
		return;
	free(hold->frames);
	free(hold->texts);
	free(hold);
}

static bool
hold_fits(const TransactionHold *hold, const Frame *frame)
{
	return hold->holding && hold->count < EVENTS_MAX &&
		   hold->bytes + 2 * WALLET_UUID_TEXT_BYTES + frame->text_bytes <= BYTES_MAX;
}

static void
hold_add(TransactionHold *hold, FrameKind kind, const Frame *frame)
{
	char *at = hold->texts + hold->bytes;

	hold->frames[hold->count++] = (HeldFrame){.kind = kind, .frame = *frame, .at = hold->bytes};
	memcpy(at, frame->wallet_id, WALLET_UUID_TEXT_BYTES);
	memcpy(at + WALLET_UUID_TEXT_BYTES, frame->event_id, WALLET_UUID_TEXT_BYTES);
	memcpy(at + 2 * WALLET_UUID_TEXT_BYTES, frame->text, frame->text_bytes);
	hold->bytes += 2 * WALLET_UUID_TEXT_BYTES + frame->text_bytes;
}

/* Goes on where a full outbox stopped it. */
static OutboxResult
hold_hand_on(TransactionHold *hold, Outbox *outbox, uint32_t transaction_events)
{
	OutboxResult result = OUTBOX_TAKEN;

	while (hold->sent < hold->count && result == OUTBOX_TAKEN)
	{
		const HeldFrame *held = &hold->frames[hold->sent];
		Frame frame = held->frame;

		frame.wallet_id = hold->texts + held->at;
		frame.event_id = frame.wallet_id + WALLET_UUID_TEXT_BYTES;
		frame.text = frame.event_id + WALLET_UUID_TEXT_BYTES;
		frame.transaction_events = transaction_events;
		result = outbox_take(outbox, held->kind, &frame);
		hold->sent += result == OUTBOX_TAKEN;
	}
	if (hold->sent == hold->count)
		hold->sent = hold->count = hold->bytes = 0;
	return result;
}

OutboxResult
transaction_hold_take(TransactionHold *hold, Outbox *outbox, FrameKind kind, const Frame *frame)
{
	OutboxResult result;

	if (kind == FRAME_BEGIN)
	{
		hold->sent = hold->count = hold->bytes = 0;
		hold->holding = true;
		return outbox_take(outbox, kind, frame);
	}
	if (kind != FRAME_COMMIT && hold_fits(hold, frame))
	{
		hold_add(hold, kind, frame);
		return OUTBOX_TAKEN;
	}
	hold->holding = false;
	/* Readers of the events count events: transits are in another topic. */
	result =
		hold_hand_on(hold, outbox, kind == FRAME_COMMIT ? frame->ordinal - frame->transits : 0);
	return result == OUTBOX_TAKEN ? outbox_take(outbox, kind, frame) : result;
}
