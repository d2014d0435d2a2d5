/*
 * outbox.c
 *		Between the stream and Kafka: hands transactions on, collects their acknowledgements, writes
 *		the progress record, and says what may be confirmed. Knows nothing of PostgreSQL.
 *
 * INV-8: confirmed <= durable <= received, and none of them goes back. The progress record of a
 * position is acknowledged by Kafka before the position becomes confirmed, so the record is never
 * behind the slot (start-up check V4 rests on that).
 *
 * In transactional delivery the record says how far the stream was handed over, and goes into the
 * same Kafka transaction as the events up to there. The handover mutex keeps the stream's thread
 * from handing over anything between the two. A position is confirmed when the transaction after
 * it was committed too: before that the brokers may, in a crash, forget to end the one that it was
 * in (transaction_leftover.h), and it must be sent again.
 *
 * One mutex guards the ring; it is held for a few instructions only.
 */
#include "outbox.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge_metrics.h"
#include "base/clock.h"
#include "base/wake.h"
#include "observe/log.h"
#include "outbox_parts.h"
#include "outbox_report.h"

#define PROGRESS_TICKET		0 /* the ring's tickets begin with 1 */
#define LOOP_MS				100
#define OBSERVE_MS			250
#define TRANSACTION_AGE_MS	200	 /* how long events wait for the stream to settle */
#define ACKNOWLEDGE_LATE_MS 5000 /* no acknowledgement for so long: Kafka counts as away */

void
outbox_give_up(Outbox *outbox, const Status *status)
{
	pthread_mutex_lock(&outbox->lock);
	if (status_is_ok(&outbox->failure))
		outbox->failure = *status;
	pthread_mutex_unlock(&outbox->lock);
	wake_set(outbox->wake_fd);
}

/* The reader goes on when a good part is free: else it would wake up for every single event. */
static bool
room_is_worth_waking(const Outbox *outbox)
{
	return inflight_get_bytes(outbox->ring) <= outbox->plan.bytes_max / 4 * 3 &&
		   inflight_count(outbox->ring) <= outbox->plan.transactions_max / 4 * 3;
}

/* The stream's thread may go on, if it waits and can. */
static void
reader_wake(Outbox *outbox)
{
	bool takes = publisher_takes_records(outbox->publisher);

	pthread_mutex_lock(&outbox->lock);

	bool wakes = outbox->reader_waits && takes && room_is_worth_waking(outbox);

	if (wakes)
		outbox->reader_waits = false;
	pthread_mutex_unlock(&outbox->lock);
	if (wakes)
		wake_set(outbox->wake_fd);
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
	pthread_mutex_unlock(&outbox->lock);
	reader_wake(outbox);
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
		/* In transactional delivery the events before it came with it. */
		acks_flush(outbox);
		pthread_mutex_lock(&outbox->lock);
		assert(outbox->writing >= outbox->confirmed);
		outbox->confirmed = outbox->plan.transactional ? outbox->committed : outbox->writing;
		outbox->committed = outbox->writing;
		outbox->mark = outbox->plan.record.mark;
		pthread_mutex_unlock(&outbox->lock);
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_PROGRESS_RECORDS, 0, 1);
		if (outbox->plan.transactional)
			metric_add(outbox->plan.metrics, BRIDGE_METRIC_KAFKA_TRANSACTIONS,
					   BRIDGE_KAFKA_TRANSACTION_COMMITTED, 1);
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

/* Of the commits up to lsn the end of the newest one with events, or of none before it. */
static uint64_t
event_lsn_get(Outbox *outbox, uint64_t lsn)
{
	pthread_mutex_lock(&outbox->lock);

	uint64_t newest = outbox->event_lsn;

	pthread_mutex_unlock(&outbox->lock);
	return newest < lsn ? newest : lsn;
}

/* Records that what lies before lsn, and inside a commit, is in Kafka with it. */
static void
progress_write(Outbox *outbox, uint64_t lsn, ProgressInside inside)
{
	ProgressRecord *record = &outbox->plan.record;
	char key[PROGRESS_KEY_BYTES];
	char value[PROGRESS_VALUE_BYTES];
	TopicMark mark = publisher_get_mark(outbox->publisher);

	/* The stream starts at the slot, which may be behind what was recorded. */
	progress_record_raise(record, lsn, inside);
	record->event_lsn = event_lsn_get(outbox, record->lsn);
	record->state = PROGRESS_STREAMING;
	if (mark.event_id[0] != '\0')
		record->mark = mark;
	progress_key_write(&outbox->plan.key, key);
	progress_record_write(record, value);
	outbox->writing = lsn;
	outbox->uncommitted_ms = 0;
	if (publisher_send_progress(outbox->publisher, PROGRESS_TICKET, key, value) == PUBLISH_SENT)
		outbox->written_ms = clock_monotonic_ms();
	else
		outbox->writing = 0;
}

/* Commits what was handed over until now, in the middle of a commit if need be. */
static void
transaction_write(Outbox *outbox)
{
	ProgressInside inside = {0};
	uint64_t ticket;
	uint64_t commit_lsn;
	uint64_t events = 0;

	pthread_mutex_lock(&outbox->handover);
	pthread_mutex_lock(&outbox->lock);

	uint64_t received = inflight_get_received(outbox->ring);

	if (inflight_get_open(outbox->ring, &ticket, &commit_lsn, &events) && events > 0)
		inside = (ProgressInside){.end_lsn = outbox->end_lsn, .events = (uint32_t) events};
	pthread_mutex_unlock(&outbox->lock);
	progress_write(outbox, received, inside);
	pthread_mutex_unlock(&outbox->handover);
}

/*
 * Beside a position that moved there are two reasons: the first record, which announces the new
 * owner of the position, and a lost connection, which the record's report shows to be back.
 */
static bool
progress_is_due(Outbox *outbox, const OutboxPositions *positions)
{
	bool transactional = outbox->plan.transactional;
	uint64_t position = transactional ? positions->received : positions->durable;
	bool moved = position > positions->confirmed;
	bool probes = positions->transactions == 0 && publisher_is_cut_off(outbox->publisher);
	int64_t now = clock_monotonic_ms();

	if (outbox->writing != 0 || !atomic_load(&outbox->has_slot))
		return false;
	if (outbox->written_ms == 0)
		return true;
	if (publisher_has_uncommitted(outbox->publisher))
	{
		if (outbox->uncommitted_ms == 0)
			outbox->uncommitted_ms = now;
		return atomic_load(&outbox->settled) || atomic_load(&outbox->flush_now) ||
			   now - outbox->uncommitted_ms >= TRANSACTION_AGE_MS;
	}
	return (moved && atomic_load(&outbox->flush_now)) ||
		   ((moved || probes) && now - outbox->written_ms >= outbox->plan.progress_interval_ms);
}

static void
progress_write_if_due(Outbox *outbox, const OutboxPositions *positions)
{
	if (!progress_is_due(outbox, positions))
		return;
	if (outbox->plan.transactional)
		transaction_write(outbox);
	else
		progress_write(outbox, positions->durable, (ProgressInside){0});
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

/* The stream's thread may have met the failure first. */
static void
publisher_lost(Outbox *outbox, const Status *status)
{
	if (outbox->plan.transactional && !outbox->lost_counted)
		metric_add(outbox->plan.metrics, BRIDGE_METRIC_KAFKA_TRANSACTIONS,
				   status->exit_code == EXIT_CODE_FENCED ? BRIDGE_KAFKA_TRANSACTION_FENCED
														 : BRIDGE_KAFKA_TRANSACTION_LOST,
				   1);
	outbox->lost_counted = true;
	outbox_give_up(outbox, status);
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
		reader_wake(outbox);

		Status status = publisher_get_failure(outbox->publisher);

		if (!status_is_ok(&status))
			publisher_lost(outbox, &status);

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
	Publisher *publisher = plan->publisher;
	Status status = status_ok();

	*outbox = NULL;
	if (opened == NULL)
	{
		publisher_close(&publisher);
		return status_bug("out of memory");
	}
	opened->plan = *plan;
	opened->publisher = publisher;
	opened->failure = status_ok();
	opened->confirmed = opened->committed = plan->start_lsn;
	opened->mark = plan->record.mark;
	opened->found = plan->record;
	opened->event_lsn = plan->record.event_lsn;
	opened->acknowledged_ms = opened->opened_ms = clock_monotonic_ms();
	snprintf(opened->refusal, sizeof(opened->refusal), "%s", plan->refusal);
	pthread_mutex_init(&opened->lock, NULL);
	pthread_mutex_init(&opened->handover, NULL);
	opened->wake_fd = wake_new();
	opened->ring =
		inflight_new(plan->transactions_max, (uint64_t) plan->bytes_max, plan->start_lsn);
	publisher_set_report(publisher, delivery_report, opened);
	if (opened->wake_fd < 0 || opened->ring == NULL)
		status = status_bug("out of memory or descriptors");
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
	Publisher *publisher;

	*outbox = NULL;
	if (closed == NULL)
		return;
	if (closed->thread_started)
	{
		atomic_store(&closed->stop, true);
		publisher_wake(closed->publisher);
		pthread_join(closed->thread, NULL);
	}
	/* Reports that still come meanwhile look at it. */
	publisher = closed->publisher;
	publisher_close(&publisher);
	inflight_free(closed->ring);
	if (closed->wake_fd >= 0)
		close(closed->wake_fd);
	pthread_mutex_destroy(&closed->handover);
	pthread_mutex_destroy(&closed->lock);
	free(closed);
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

void
outbox_has_slot(Outbox *outbox)
{
	if (!atomic_exchange(&outbox->has_slot, true))
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

void
outbox_drain(Outbox *outbox, const Wait *wait)
{
	OutboxPositions positions;
	Status failure;

	outbox_set_flush_now(outbox, true);
	do
	{
		positions = outbox_get_positions(outbox);
		if (positions.transactions == 0 && positions.confirmed == positions.durable)
			return;
		outbox_take_wake(outbox);
		failure = outbox_get_failure(outbox);
	} while (status_is_ok(&failure) && wait_for_fd(wait, outbox->wake_fd, POLLIN) == WAIT_READY);
	log_warning("stopped before everything was acknowledged; it is published again after the next "
				"start",
				log_integer("transactions", (int64_t) positions.transactions),
				log_lsn("from", positions.confirmed));
}
