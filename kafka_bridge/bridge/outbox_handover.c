/*
 * outbox_handover.c
 *		The stream's side of the outbox: takes frames, counts their events and gives them to Kafka.
 *
 * An event is counted in the ring before it is given to the producer: its acknowledgement may come
 * back before the call returns.
 */
#include "outbox_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "bridge_metrics.h"
#include "wallet_event.h"

static OutboxResult
outbox_fail(Outbox *outbox, Status status)
{
	outbox_give_up(outbox, &status);
	return OUTBOX_FAILED;
}

static OutboxResult
begin_take(Outbox *outbox, const Frame *frame)
{
	uint64_t commit_lsn;
	OutboxResult result = OUTBOX_TAKEN;

	outbox->skip = 0;
	outbox->end_lsn = frame->end_lsn;
	outbox->commit_time = frame->commit_time;
	pthread_mutex_lock(&outbox->lock);
	if (inflight_get_open(outbox->ring, &outbox->ticket, &commit_lsn, &outbox->skip))
		result = commit_lsn == frame->commit_lsn ? OUTBOX_TAKEN : OUTBOX_FAILED;
	else if (inflight_has_entry(outbox->ring))
		outbox->ticket = inflight_begin(outbox->ring, frame->commit_lsn, frame->commit_time);
	else
	{
		outbox->reader_waits = true;
		result = OUTBOX_FULL;
	}
	pthread_mutex_unlock(&outbox->lock);
	if (result == OUTBOX_FULL)
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_BACKPRESSURE, 0, 1);
	if (result == OUTBOX_FAILED)
		return outbox_fail(outbox, status_retry("a transaction broken off by a lost connection did "
												"not come back"));
	return result;
}

static bool
event_count(Outbox *outbox, uint64_t bytes)
{
	pthread_mutex_lock(&outbox->lock);

	bool fits = inflight_has_bytes(outbox->ring, bytes);

	if (fits)
		inflight_add_event(outbox->ring, bytes);
	else
		outbox->reader_waits = true;
	pthread_mutex_unlock(&outbox->lock);
	if (!fits)
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_BACKPRESSURE, 0, 1);
	return fits;
}

static void
event_uncount(Outbox *outbox, uint64_t bytes)
{
	pthread_mutex_lock(&outbox->lock);
	inflight_remove_event(outbox->ring, bytes);
	outbox->reader_waits = true;
	pthread_mutex_unlock(&outbox->lock);
}

static OutboxResult
publish_result_judge(Outbox *outbox, PublishResult result, uint64_t bytes)
{
	if (result == PUBLISH_SENT)
		return OUTBOX_TAKEN;
	event_uncount(outbox, bytes);
	if (result == PUBLISH_FULL)
		return OUTBOX_FULL;
	return outbox_fail(outbox, publisher_get_failure(outbox->publisher));
}

/* An event that can never be published: the operator decided beforehand what becomes of it. */
static OutboxResult
poison_take(Outbox *outbox, const PublisherEvent *event, const char *reason)
{
	if (!outbox->plan.dead_letters)
		return outbox_fail(
			outbox,
			status_fatal(EXIT_CODE_CONFIGURATION,
						 "event %.*s of wallet %.*s cannot be published: %s; mend the cause "
						 "(for a size: max.message.bytes of the topic), or let such events "
						 "go to the dead letters with --on-poison=dlq",
						 WALLET_UUID_TEXT_BYTES, event->event_id, WALLET_UUID_TEXT_BYTES,
						 event->wallet_id, reason));

	uint64_t bytes = publisher_dead_letter_bytes(event);

	if (!event_count(outbox, bytes))
		return OUTBOX_FULL;

	OutboxResult result =
		publish_result_judge(outbox, publisher_send_dead_letter(outbox->publisher, event, reason),
							 bytes);

	if (result == OUTBOX_TAKEN)
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_DEAD_LETTERS, 0, 1);
	return result;
}

/*
 * The record says that the event is in Kafka, and the topic bears it out (INV-14): the slot is
 * behind both after a restart of the server, and a second copy would be of no use to anybody.
 */
static bool
topic_has(const Outbox *outbox, const char *wallet_id, uint32_t ordinal)
{
	const OutboxPlan *plan = &outbox->plan;

	return plan->tail != NULL && plan->tail_partition_count > 0 &&
		   progress_record_has(&outbox->found, outbox->end_lsn, ordinal) &&
		   topic_tail_has(plan->tail,
						  publisher_get_partition(outbox->publisher, wallet_id,
												  plan->tail_partition_count),
						  outbox->end_lsn, ordinal);
}

/* Counts an event as handed over and acknowledged, which it was in an earlier life. */
static OutboxResult
event_pass(Outbox *outbox)
{
	if (!event_count(outbox, 0))
		return OUTBOX_FULL;
	pthread_mutex_lock(&outbox->lock);
	inflight_ack(outbox->ring, outbox->ticket, 1, 0);
	pthread_mutex_unlock(&outbox->lock);
	metric_add(outbox->plan.metrics, BRIDGE_METRIC_SKIPPED, 0, 1);
	return OUTBOX_TAKEN;
}

static OutboxResult
event_take(Outbox *outbox, FrameKind kind, const Frame *frame)
{
	PublisherEvent event = {
		.ticket = outbox->ticket,
		.wallet_id = frame->wallet_id,
		.event_id = frame->event_id,
		.json = frame->text,
		.json_bytes = frame->text_bytes,
		.created_at = frame->created_at,
		.timestamp = outbox->commit_time,
		.end_lsn = outbox->end_lsn,
		.ordinal = frame->ordinal,
		.transaction_events = frame->transaction_events,
	};
	uint64_t bytes = publisher_event_bytes(event.json_bytes);

	if (frame->ordinal < outbox->skip)
	{
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_SKIPPED, 0, 1);
		return OUTBOX_TAKEN;
	}
	if (topic_has(outbox, frame->wallet_id, frame->ordinal))
		return event_pass(outbox);
	if (kind == FRAME_ERROR)
	{
		char reason[256];

		snprintf(reason, sizeof(reason), "%.*s", (int) frame->text_bytes, frame->text);
		return poison_take(outbox, &event, reason);
	}
	if (!event_count(outbox, bytes))
		return OUTBOX_FULL;

	PublishResult result = publisher_send(outbox->publisher, &event);

	if (result == PUBLISH_TOO_LARGE)
	{
		char reason[256];

		event_uncount(outbox, bytes);
		publisher_size_explain(outbox->publisher, &event, reason, sizeof(reason));
		return poison_take(outbox, &event, reason);
	}
	if (result == PUBLISH_SENT)
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_EVENTS, 0, 1);
	return publish_result_judge(outbox, result, bytes);
}

/* Passed over and confirmed, it would be money that is in nobody's wallet. */
static OutboxResult
transit_refuse(Outbox *outbox, const Frame *frame)
{
	return outbox_fail(
		outbox, status_fatal(EXIT_CODE_CONFIGURATION,
							 "transit %.*s cannot be published: this version of wallet_bridge "
							 "publishes events only; the slot keeps it, and all after it, for a "
							 "version that publishes transits",
							 WALLET_UUID_TEXT_BYTES, frame->event_id));
}

static OutboxResult
commit_take(Outbox *outbox, const Frame *frame)
{
	pthread_mutex_lock(&outbox->lock);

	bool in_order = frame->end_lsn >= inflight_get_received(outbox->ring);

	if (in_order)
	{
		inflight_commit(outbox->ring, frame->end_lsn);
		/* Begun again at the slot, which is behind what was recorded. */
		if (frame->end_lsn > outbox->event_lsn)
			outbox->event_lsn = frame->end_lsn;
	}
	pthread_mutex_unlock(&outbox->lock);
	if (!in_order)
		return outbox_fail(outbox, status_bug("the stream went back"));
	metric_add(outbox->plan.metrics, BRIDGE_METRIC_TRANSACTIONS, 0, 1);
	return OUTBOX_TAKEN;
}

static OutboxResult
frame_take(Outbox *outbox, FrameKind kind, const Frame *frame)
{
	switch (kind)
	{
		case FRAME_BEGIN:
			return begin_take(outbox, frame);
		case FRAME_EVENT:
		case FRAME_ERROR:
			return event_take(outbox, kind, frame);
		case FRAME_TRANSIT:
			return transit_refuse(outbox, frame);
		case FRAME_COMMIT:
			return commit_take(outbox, frame);
		case FRAME_NONE:
		case FRAME_MALFORMED:
			break;
	}
	return outbox_fail(outbox, status_bug("not a frame to take"));
}

OutboxResult
outbox_take(Outbox *outbox, FrameKind kind, const Frame *frame)
{
	if (outbox->plan.transactional)
		pthread_mutex_lock(&outbox->handover);

	OutboxResult result = frame_take(outbox, kind, frame);

	if (outbox->plan.transactional)
		pthread_mutex_unlock(&outbox->handover);
	if (result == OUTBOX_TAKEN)
		atomic_store(&outbox->settled, false);
	return result;
}

void
outbox_settle(Outbox *outbox)
{
	bool settled = atomic_exchange(&outbox->settled, true);

	if (!outbox->plan.transactional)
	{
		if (!settled && linger_is_over(&outbox->linger, clock_monotonic_us()))
			publisher_hurry(outbox->publisher);
		return;
	}
	pthread_mutex_lock(&outbox->lock);

	bool waits = outbox->reader_waits;

	pthread_mutex_unlock(&outbox->lock);
	if (!settled || waits)
		publisher_wake(outbox->publisher);
}

void
outbox_advance(Outbox *outbox, uint64_t lsn)
{
	pthread_mutex_lock(&outbox->lock);
	inflight_advance(outbox->ring, lsn);
	pthread_mutex_unlock(&outbox->lock);
}
