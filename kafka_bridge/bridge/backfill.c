/*
 * backfill.c
 *		Publishes ledger rows again: same events, same ids, header replay, in key order.
 *
 * One thread: it reads a page, hands its events over, serves the acknowledgements. With Kafka away
 * it waits, holding at most bytes_max.
 */
#include "backfill.h"

#include <stdio.h>

#include "base/clock.h"
#include "bridge_metrics.h"
#include "observe/log.h"
#include "wallet_event.h"

#define POLL_MS			50
#define EVENTS_PER_POLL 64
#define EVENTS_PER_TICK 1024

#define TRANSACTION_AGE_US 1000000

typedef struct Backfill
{
	const BackfillPlan *plan;
	int64_t begun_us;
	Publisher *publisher;
	uint64_t pending_bytes;
	int64_t uncommitted_us; /* since when events wait for a commit; 0: none do */
	BackfillCounts counts;
} Backfill;

static void
delivery_report(void *context, uint64_t ticket, uint64_t bytes, const Status *failure)
{
	Backfill *backfill = context;

	(void) ticket;
	if (failure == NULL)
		backfill->pending_bytes -= bytes;
}

/* Serves acknowledgements until at most limit bytes are pending. */
static Status
pending_wait(Backfill *backfill, uint64_t limit)
{
	Status status = publisher_get_failure(backfill->publisher);

	while (status_is_ok(&status) && backfill->pending_bytes > limit)
	{
		publisher_commit(backfill->publisher);
		Wait now = {.stop_fd = backfill->plan->stop_fd, .deadline_ms = 0};

		publisher_poll(backfill->publisher, POLL_MS);
		status = publisher_get_failure(backfill->publisher);
		if (status_is_ok(&status) && wait_for_fd(&now, -1, 0) == WAIT_STOPPED)
			status = wait_status(WAIT_STOPPED, "backfill");
	}
	return status;
}

static Status
dead_letter_send(Backfill *backfill, const PublisherEvent *event, const char *reason,
				 PublishResult *result)
{
	if (!backfill->plan->dead_letters)
		return status_fatal(EXIT_CODE_CONFIGURATION,
							"event %.*s of wallet %.*s cannot be published: %s; mend the cause, or "
							"let such events go to the dead letters with --on-poison=dlq",
							WALLET_UUID_TEXT_BYTES, event->event_id, WALLET_UUID_TEXT_BYTES,
							event->wallet_id, reason);

	uint64_t bytes = publisher_dead_letter_bytes(event);

	*result = publisher_send_dead_letter(backfill->publisher, event, reason);
	if (*result != PUBLISH_SENT)
		return status_ok();
	backfill->pending_bytes += bytes;
	backfill->counts.dead_letters++;
	if (backfill->plan->metrics != NULL)
		metric_add(backfill->plan->metrics, BRIDGE_METRIC_DEAD_LETTERS, 0, 1);
	return status_ok();
}

static Status
event_send_once(Backfill *backfill, const PublisherEvent *event, const char *error,
				PublishResult *result)
{
	if (error != NULL)
		return dead_letter_send(backfill, event, error, result);
	*result = publisher_send(backfill->publisher, event);
	if (*result == PUBLISH_TOO_LARGE)
	{
		char reason[256];

		publisher_size_explain(backfill->publisher, event, reason, sizeof(reason));
		return dead_letter_send(backfill, event, reason, result);
	}
	if (*result != PUBLISH_SENT)
		return status_ok();
	backfill->pending_bytes += publisher_event_bytes(event->json_bytes);
	backfill->counts.events++;
	backfill->counts.bytes += (int64_t) event->json_bytes;
	if (backfill->plan->metrics != NULL)
		metric_add(backfill->plan->metrics, BRIDGE_METRIC_BACKFILLED, 0, 1);
	return status_ok();
}

static Status
event_send(Backfill *backfill, const LedgerEvent *read)
{
	PublisherEvent event = {
		.ticket = 1,
		.wallet_id = read->wallet_id,
		.event_id = read->event_id,
		.json = read->json,
		.json_bytes = read->json_bytes,
		.created_at = read->created_at,
		.timestamp = INT64_MAX, /* clamped: now */
		.replay = true,
	};
	Status status = pending_wait(backfill, backfill->plan->bytes_max);
	PublishResult result = PUBLISH_FULL;

	while (status_is_ok(&status) && result == PUBLISH_FULL)
	{
		status = event_send_once(backfill, &event, read->error, &result);
		if (status_is_ok(&status) && result == PUBLISH_FULL)
			status = pending_wait(backfill, backfill->pending_bytes / 2);
	}
	if (status_is_ok(&status) && result == PUBLISH_FAILED)
		status = publisher_get_failure(backfill->publisher);
	return status;
}

/*
 * An open transaction keeps readers waiting, and the brokers end one that gets old: it is committed
 * after a while, and at once before what may take long.
 */
static Status
commit_keep(Backfill *backfill, bool at_once)
{
	int64_t now_us = clock_monotonic_us();

	if (!publisher_has_uncommitted(backfill->publisher))
	{
		backfill->uncommitted_us = 0;
		return status_ok();
	}
	if (backfill->uncommitted_us == 0)
		backfill->uncommitted_us = now_us;
	if (!at_once && now_us - backfill->uncommitted_us < TRANSACTION_AGE_US)
		return status_ok();
	return pending_wait(backfill, 0);
}

/* Now and then, after an event was sent: acknowledgements, and word to whoever watches. */
static void
backfill_tick(Backfill *backfill, const LedgerEvent *event)
{
	const BackfillPlan *plan = backfill->plan;
	int64_t sent = backfill->counts.events + backfill->counts.dead_letters;

	if (sent % EVENTS_PER_POLL == 0)
		publisher_poll(backfill->publisher, 0);
	if (plan->tick != NULL && sent % EVENTS_PER_TICK == 0)
		plan->tick(plan->context, backfill->counts.events, event->created_at);
}

/* Nothing is sent: an event that has no form would be a dead letter. */
static void
event_count_dry(Backfill *backfill, const LedgerEvent *event)
{
	backfill->counts.events += event->error == NULL;
	backfill->counts.dead_letters += event->error != NULL;
	backfill->counts.bytes += (int64_t) event->json_bytes;
}

/* Holds back what comes too early for the rate; serves acknowledgements meanwhile. */
static Status
rate_keep(Backfill *backfill)
{
	int64_t rate = backfill->plan->rate;
	int64_t due_us = backfill->begun_us + (rate > 0 ? backfill->counts.events * 1000000 / rate : 0);
	Status status = status_ok();

	while (status_is_ok(&status) && clock_monotonic_us() < due_us)
	{
		int64_t left_ms = (due_us - clock_monotonic_us()) / 1000;
		Wait now = {.stop_fd = backfill->plan->stop_fd, .deadline_ms = 0};

		publisher_poll(backfill->publisher, left_ms < POLL_MS ? (int) left_ms + 1 : POLL_MS);
		status = publisher_get_failure(backfill->publisher);
		if (status_is_ok(&status))
			status = commit_keep(backfill, false);
		if (status_is_ok(&status) && wait_for_fd(&now, -1, 0) == WAIT_STOPPED)
			status = wait_status(WAIT_STOPPED, "backfill");
	}
	return status;
}

static Status
event_take(Backfill *backfill, const LedgerEvent *event)
{
	const BackfillPlan *plan = backfill->plan;

	if (plan->wants != NULL && !plan->wants(plan->context, event))
		return status_ok();
	if (plan->dry_run)
	{
		event_count_dry(backfill, event);
		return status_ok();
	}

	Status status = event_send(backfill, event);

	if (status_is_ok(&status))
	{
		backfill_tick(backfill, event);
		status = commit_keep(backfill, false);
	}
	if (status_is_ok(&status))
		status = rate_keep(backfill);
	return status;
}

static Status
publisher_prepare(Backfill *backfill, const Wait *wait)
{
	Status status = publisher_open(&backfill->plan->publisher, &backfill->publisher);

	if (!status_is_ok(&status))
		return status;
	publisher_set_report(backfill->publisher, delivery_report, backfill);

	Status fenced = publisher_fence(backfill->publisher, wait);

	if (status_is_ok(&fenced) && backfill->plan->begin != NULL)
		return backfill->plan->begin(backfill->plan->context);
	return fenced;
}

Status
backfill_run(const BackfillPlan *plan, BackfillCounts *counts)
{
	Backfill backfill = {.plan = plan, .begun_us = clock_monotonic_us()};
	Wait wait = wait_begin(plan->stop_fd, WAIT_FOREVER);
	LedgerReader *reader = NULL;
	LedgerEvent event;
	bool found = true;

	Status status =
		ledger_reader_open(plan->connection, plan->schema, &plan->range, &wait, &reader);

	if (status_is_ok(&status) && !plan->dry_run)
		status = publisher_prepare(&backfill, &wait);
	while (status_is_ok(&status) && found)
	{
		if (!plan->dry_run && ledger_reader_asks_next(reader))
			status = commit_keep(&backfill, true);
		if (status_is_ok(&status))
			status = ledger_reader_next(reader, &wait, &event, &found);
		if (status_is_ok(&status) && found)
			status = event_take(&backfill, &event);
	}
	if (status_is_ok(&status) && !plan->dry_run)
		status = pending_wait(&backfill, 0);
	*counts = backfill.counts;
	publisher_close(&backfill.publisher);
	ledger_reader_close(&reader);
	return status;
}
