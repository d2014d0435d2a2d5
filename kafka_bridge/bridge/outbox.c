/*
 * outbox.c
 *		Between the stream and Kafka: hands transactions on, collects their acknowledgements, writes
 *		the progress record, and says what may be confirmed. Knows nothing of PostgreSQL.
 *
 * INV-8: confirmed <= durable <= received, and none of them goes back. The progress record of a
 * position is acknowledged by Kafka before the position becomes confirmed, so the record is never
 * behind the slot (start-up check V4 rests on that).
 *
 * An event is counted in the ring before it is given to the producer: its acknowledgement may come
 * back before the call returns. One mutex guards the ring; it is held for a few instructions only.
 */
#include "outbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge_metrics.h"
#include "base/clock.h"
#include "base/wake.h"
#include "inflight.h"
#include "outbox_report.h"
#include "wallet_event.h"

#define PROGRESS_TICKET		0 /* the ring's tickets begin with 1 */
#define LOOP_MS				100
#define OBSERVE_MS			250
#define ACKNOWLEDGE_LATE_MS 5000 /* no acknowledgement for so long: Kafka counts as away */

/* Acknowledgements of one transaction that came in a row, to be counted together. */
typedef struct AckRun
{
	uint64_t ticket;
	uint64_t events;
	uint64_t bytes;
} AckRun;

struct Outbox
{
	OutboxPlan plan;
	Publisher *publisher;
	int wake_fd;
	pthread_t thread;
	bool thread_started;
	atomic_bool stop;
	atomic_bool flush_now;
	atomic_uint timeline;

	pthread_mutex_t lock; /* guards the five below */
	Inflight *ring;
	uint64_t confirmed;
	bool reader_waits; /* for room */
	Status failure;
	TopicMark mark; /* of the newest progress record */

	/* The caller's thread only: the transaction being handed over. */
	uint64_t ticket;
	uint64_t skip; /* events of it that an earlier stream handed over */
	uint64_t end_lsn;
	int64_t commit_time;

	/* The outbox's thread only. */
	AckRun acks;
	uint64_t writing;		 /* position in the progress record on its way, 0: none */
	int64_t written_ms;		 /* when the last record was sent; 0: none yet */
	int64_t acknowledged_ms; /* the last sign of life from Kafka, or when nothing was due */
	int64_t observed_ms;
	int64_t opened_ms;
	char refusal[STATUS_TEXT_BYTES]; /* of the plan, until an event is acknowledged */
};

void
outbox_give_up(Outbox *outbox, const Status *status)
{
	pthread_mutex_lock(&outbox->lock);
	if (status_is_ok(&outbox->failure))
		outbox->failure = *status;
	pthread_mutex_unlock(&outbox->lock);
	wake_set(outbox->wake_fd);
}

static OutboxResult
outbox_fail(Outbox *outbox, Status status)
{
	outbox_give_up(outbox, &status);
	return OUTBOX_FAILED;
}

/* The reader goes on when a good part is free: else it would wake up for every single event. */
static bool
room_is_worth_waking(const Outbox *outbox)
{
	return inflight_get_bytes(outbox->ring) <= outbox->plan.bytes_max / 4 * 3 &&
		   inflight_count(outbox->ring) <= outbox->plan.transactions_max / 4 * 3;
}

static void
acks_flush(Outbox *outbox)
{
	AckRun *acks = &outbox->acks;

	if (acks->events == 0)
		return;
	pthread_mutex_lock(&outbox->lock);

	int64_t commit_time = inflight_get_commit_time(outbox->ring, acks->ticket);

	inflight_ack(outbox->ring, acks->ticket, acks->events, acks->bytes);

	bool wakes = outbox->reader_waits && room_is_worth_waking(outbox);

	if (wakes)
		outbox->reader_waits = false;
	pthread_mutex_unlock(&outbox->lock);
	if (wakes)
		wake_set(outbox->wake_fd);
	metric_add(outbox->plan.metrics, BRIDGE_METRIC_ACKNOWLEDGED, 0, (int64_t) acks->events);
	metric_observe(outbox->plan.metrics, BRIDGE_METRIC_COMMIT_TO_ACK, 0,
				   clock_wall_us() - commit_time);
	*acks = (AckRun){0};
}

static void
progress_acknowledged(Outbox *outbox, bool delivered)
{
	assert(outbox->writing != 0);
	if (delivered)
	{
		pthread_mutex_lock(&outbox->lock);
		assert(outbox->writing >= outbox->confirmed);
		outbox->confirmed = outbox->writing;
		pthread_mutex_unlock(&outbox->lock);
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_PROGRESS_RECORDS, 0, 1);
		wake_set(outbox->wake_fd);
	}
	outbox->writing = 0;
}

/* Failures are the publisher's to keep: they end the outbox as a whole. */
static void
delivery_report(void *context, uint64_t ticket, uint64_t bytes, const Status *failure)
{
	Outbox *outbox = context;

	if (failure == NULL)
		outbox->acknowledged_ms = clock_monotonic_ms();
	if (ticket == PROGRESS_TICKET)
		progress_acknowledged(outbox, failure == NULL);
	else if (failure == NULL)
	{
		outbox->refusal[0] = '\0';
		if (outbox->acks.ticket != ticket)
			acks_flush(outbox);
		outbox->acks.ticket = ticket;
		outbox->acks.events++;
		outbox->acks.bytes += bytes;
	}
}

static TopicMark
mark_renew(Outbox *outbox)
{
	TopicMark mark = publisher_get_mark(outbox->publisher);

	pthread_mutex_lock(&outbox->lock);
	if (mark.event_id[0] != '\0')
		outbox->mark = mark;
	mark = outbox->mark;
	pthread_mutex_unlock(&outbox->lock);
	return mark;
}

static void
progress_write(Outbox *outbox, uint64_t durable)
{
	ProgressRecord record = outbox->plan.record;
	char key[PROGRESS_KEY_BYTES];
	char value[PROGRESS_VALUE_BYTES];

	record.state = PROGRESS_STREAMING;
	record.lsn = durable;
	record.timeline = atomic_load(&outbox->timeline);
	record.mark = mark_renew(outbox);
	progress_key_write(&outbox->plan.key, key);
	progress_record_write(&record, value);
	outbox->writing = durable;
	outbox->written_ms = clock_monotonic_ms();
	if (publisher_send_progress(outbox->publisher, PROGRESS_TICKET, key, value) != PUBLISH_SENT)
		outbox->writing = 0;
}

/*
 * Beside a position that moved there are two reasons: the first record, which announces the new
 * owner of the position, and a lost connection, which the record's report shows to be back.
 */
static void
progress_write_if_due(Outbox *outbox, const OutboxPositions *positions)
{
	bool moved = positions->durable > positions->confirmed;
	bool probes = positions->transactions == 0 && publisher_is_cut_off(outbox->publisher);

	if (outbox->writing != 0 || !(moved || probes || outbox->written_ms == 0))
		return;
	if (outbox->written_ms == 0 || (moved && atomic_load(&outbox->flush_now)) ||
		clock_monotonic_ms() - outbox->written_ms >= outbox->plan.progress_interval_ms)
		progress_write(outbox, positions->durable);
}

static const char *
trouble_get(const Outbox *outbox, int64_t now)
{
	if (publisher_is_cut_off(outbox->publisher))
		return "no broker can be reached";
	if (now - outbox->acknowledged_ms >= ACKNOWLEDGE_LATE_MS)
		return "events are not being acknowledged";
	return outbox->refusal;
}

/* Metrics and health, a few times a second. */
static void
outbox_observe(Outbox *outbox, const OutboxPositions *positions)
{
	const OutboxPlan *plan = &outbox->plan;
	int64_t now = clock_monotonic_ms();

	if (positions->transactions == 0 && outbox->writing == 0)
		outbox->acknowledged_ms = now;
	if (now - outbox->observed_ms < OBSERVE_MS)
		return;
	outbox->observed_ms = now;

	/* What was refused in the term before comes first in this one, if anything comes at all. */
	if (positions->transactions == 0 && now - outbox->opened_ms >= ACKNOWLEDGE_LATE_MS)
		outbox->refusal[0] = '\0';
	outbox_report(plan->health, plan->metrics, positions, trouble_get(outbox, now));
}

static void *
outbox_run(void *argument)
{
	Outbox *outbox = argument;

	while (!atomic_load(&outbox->stop))
	{
		/* Acknowledgements are counted before anything else is done. */
		assert(outbox->acks.events == 0);
		/* A record on its way has a time; the ring's own rules are asserted in inflight.c. */
		assert(outbox->writing == 0 || outbox->written_ms > 0);
		publisher_poll(outbox->publisher, LOOP_MS);
		acks_flush(outbox);

		Status status = publisher_get_failure(outbox->publisher);

		if (!status_is_ok(&status))
			outbox_give_up(outbox, &status);

		OutboxPositions positions = outbox_get_positions(outbox);

		progress_write_if_due(outbox, &positions);
		outbox_observe(outbox, &positions);
		health_loop_beat(outbox->plan.health, outbox->plan.health_loop);
	}
	return NULL;
}

Status
outbox_open(const OutboxPlan *plan, Outbox **outbox)
{
	Outbox *opened = calloc(1, sizeof(*opened));
	PublisherPlan publisher = plan->publisher;
	Status status = status_ok();

	*outbox = NULL;
	if (opened == NULL)
		return status_bug("out of memory");
	opened->plan = *plan;
	opened->failure = status_ok();
	opened->confirmed = plan->start_lsn;
	opened->mark = plan->record.mark;
	atomic_store(&opened->timeline, plan->record.timeline);
	opened->acknowledged_ms = opened->opened_ms = clock_monotonic_ms();
	snprintf(opened->refusal, sizeof(opened->refusal), "%s", plan->refusal);
	pthread_mutex_init(&opened->lock, NULL);
	opened->wake_fd = wake_new();
	opened->ring =
		inflight_new(plan->transactions_max, (uint64_t) plan->bytes_max, plan->start_lsn);
	publisher.report = delivery_report;
	publisher.context = opened;
	if (opened->wake_fd < 0 || opened->ring == NULL)
		status = status_bug("out of memory or descriptors");
	if (status_is_ok(&status))
		status = publisher_open(&publisher, &opened->publisher);
	if (status_is_ok(&status) && pthread_create(&opened->thread, NULL, outbox_run, opened) != 0)
		status = status_bug("could not start the thread that serves Kafka");
	opened->thread_started = status_is_ok(&status);
	if (!status_is_ok(&status))
		outbox_close(&opened);
	*outbox = opened;
	return status;
}

void
outbox_close(Outbox **outbox)
{
	Outbox *closed = *outbox;

	*outbox = NULL;
	if (closed == NULL)
		return;
	if (closed->thread_started)
	{
		atomic_store(&closed->stop, true);
		publisher_wake(closed->publisher);
		pthread_join(closed->thread, NULL);
	}
	publisher_close(&closed->publisher);
	inflight_free(closed->ring);
	if (closed->wake_fd >= 0)
		close(closed->wake_fd);
	pthread_mutex_destroy(&closed->lock);
	free(closed);
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

	return plan->tail != NULL && outbox->end_lsn <= plan->record_lsn &&
		   topic_tail_has(plan->tail, publisher_get_partition(outbox->publisher, wallet_id),
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

static OutboxResult
commit_take(Outbox *outbox, const Frame *frame)
{
	pthread_mutex_lock(&outbox->lock);

	bool in_order = frame->end_lsn >= inflight_get_received(outbox->ring);

	if (in_order)
		inflight_commit(outbox->ring, frame->end_lsn);
	pthread_mutex_unlock(&outbox->lock);
	if (!in_order)
		return outbox_fail(outbox, status_bug("the stream went back"));
	metric_add(outbox->plan.metrics, BRIDGE_METRIC_TRANSACTIONS, 0, 1);
	return OUTBOX_TAKEN;
}

OutboxResult
outbox_take(Outbox *outbox, FrameKind kind, const Frame *frame)
{
	switch (kind)
	{
		case FRAME_BEGIN:
			return begin_take(outbox, frame);
		case FRAME_EVENT:
		case FRAME_ERROR:
			return event_take(outbox, kind, frame);
		case FRAME_COMMIT:
			return commit_take(outbox, frame);
		case FRAME_NONE:
		case FRAME_MALFORMED:
			break;
	}
	return outbox_fail(outbox, status_bug("not a frame to take"));
}

void
outbox_advance(Outbox *outbox, uint64_t lsn)
{
	pthread_mutex_lock(&outbox->lock);
	inflight_advance(outbox->ring, lsn);
	pthread_mutex_unlock(&outbox->lock);
}

void
outbox_set_timeline(Outbox *outbox, uint32_t timeline)
{
	unsigned before = atomic_exchange(&outbox->timeline, timeline);

	pthread_mutex_lock(&outbox->lock);

	bool open = inflight_get_open(outbox->ring, &(uint64_t){0}, &(uint64_t){0}, &(uint64_t){0});

	pthread_mutex_unlock(&outbox->lock);
	/* On another timeline another transaction may stand where this one was. */
	if (before != timeline && open)
		outbox_fail(outbox, status_retry("the timeline changed inside a transaction"));
}

OutboxPositions
outbox_get_positions(Outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);

	OutboxPositions positions = {
		.received = inflight_get_received(outbox->ring),
		.durable = inflight_get_durable(outbox->ring),
		.confirmed = outbox->confirmed,
		.transactions = inflight_count(outbox->ring),
		.bytes = inflight_get_bytes(outbox->ring),
		.mark = outbox->mark,
	};

	pthread_mutex_unlock(&outbox->lock);
	assert(positions.confirmed <= positions.durable && positions.durable <= positions.received);
	return positions;
}

void
outbox_set_flush_now(Outbox *outbox, bool flush_now)
{
	if (atomic_exchange(&outbox->flush_now, flush_now) != flush_now && flush_now)
		publisher_wake(outbox->publisher);
}

int
outbox_get_wake_fd(const Outbox *outbox)
{
	return outbox->wake_fd;
}

void
outbox_take_wake(Outbox *outbox)
{
	wake_take(outbox->wake_fd);
}

Status
outbox_get_failure(Outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);

	Status status = outbox->failure;

	pthread_mutex_unlock(&outbox->lock);
	return status;
}
