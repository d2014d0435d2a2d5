/*
 * pump.c
 *		The stream loop: frames out of the stream into the outbox, confirmed positions back.
 *
 * A frame that the outbox does not take stays pending, and nothing is read until it is taken: that
 * is all there is to backpressure. Meanwhile feedback keeps the server from giving us up.
 *
 * Shutdown of the server: its walsender waits until we confirm all it has sent. With Kafka at hand
 * that is a matter of milliseconds; otherwise the stream is closed after a short grace, since a
 * payment system's database must be able to restart while Kafka is away.
 */
#include "pump.h"

#include <assert.h>
#include <poll.h>

#include "bridge_metrics.h"
#include "base/clock.h"
#include "frame_reader.h"
#include "observe/log.h"
#include "transaction_hold.h"

#define MESSAGES_PER_TURN 256  /* before feedback and signals are looked at again */
#define REPLY_INTERVAL_MS 20   /* a server that shuts down asks again after every reply */
#define SERVER_ENDING_MS  3000 /* grace for the last confirmations when the server goes */
#define WATCH_INTERVAL_MS 5000
#define FINISH_TIMEOUT_MS 3000

typedef struct Pump
{
	const PumpPlan *plan;
	FrameReader reader;
	TransactionHold *hold;
	Frame frame;
	FrameKind pending; /* a frame that was read and not taken; FRAME_NONE */
	bool full;		   /* the outbox did not take it: wait for its wake */
	bool idle;		   /* the stream has nothing more at the moment */
	bool reply_due;
	int64_t replied_ms; /* the last feedback */
	uint64_t confirmed; /* in it */
	int64_t watched_ms; /* the last question to the watch */
	bool watch_lost;
	int64_t server_ending_ms; /* deadline; 0: it is not going down */
	int64_t drain_ms;		  /* deadline; 0: no stop was asked for */
} Pump;

static Status
outbox_failure(const Pump *pump)
{
	Status status = outbox_get_failure(pump->plan->outbox);

	return status_is_ok(&status) ? status_bug("the outbox failed without a reason") : status;
}

/* Between two transactions, with nothing of the current message left. */
static bool
stream_at_boundary(const Pump *pump)
{
	return pump->pending == FRAME_NONE && !pump->reader.in_transaction &&
		   pump->reader.at == pump->reader.bytes;
}

/* Hands over the frames of the current message, as far as they are taken. */
static Status
frames_take(Pump *pump)
{
	for (;;)
	{
		if (pump->pending == FRAME_NONE)
			pump->pending = frame_reader_next(&pump->reader, &pump->frame);
		if (pump->pending == FRAME_NONE)
			return status_ok();
		if (pump->pending == FRAME_MALFORMED)
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"the output plugin's frames cannot be read (%s): extension and "
								"bridge must be of one version",
								pump->reader.reason);

		OutboxResult result =
			transaction_hold_take(pump->hold, pump->plan->outbox, pump->pending, &pump->frame);

		pump->full = result == OUTBOX_FULL;
		if (result == OUTBOX_FAILED)
			return outbox_failure(pump);
		if (pump->full)
			return status_ok();
		pump->pending = FRAME_NONE;
	}
}

static Status
message_read(Pump *pump)
{
	StreamMessage message;
	Status status = repl_stream_read(pump->plan->stream, &message);

	if (!status_is_ok(&status))
		return status;
	pump->idle = message.kind == STREAM_NOTHING;
	if (message.kind == STREAM_DATA)
		frame_reader_start(&pump->reader, message.payload, message.payload_bytes);
	else
		frame_reader_start(&pump->reader, "", 0); /* the message before is no longer there */
	if (message.kind == STREAM_KEEPALIVE)
	{
		/* INV-8: a position up to there says nothing of what was sent. */
		if (message.wal_end > pump->reader.held_until)
			outbox_advance(pump->plan->outbox, message.wal_end);
		pump->reply_due = pump->reply_due || message.reply_requested;
	}
	return status;
}

static Status
stream_read(Pump *pump)
{
	Status status = frames_take(pump);

	pump->idle = false;
	for (int i = 0; i < MESSAGES_PER_TURN && status_is_ok(&status) && !pump->full; i++)
	{
		if (pump->drain_ms != 0 && stream_at_boundary(pump))
			pump->idle = true; /* asked to stop: what follows is for the next start */
		else
			status = message_read(pump);
		if (pump->idle)
			break;
		if (status_is_ok(&status))
			status = frames_take(pump);
	}
	if (pump->idle || pump->full)
		outbox_settle(pump->plan->outbox);
	return status;
}

static int64_t
feedback_due_ms(const Pump *pump, const OutboxPositions *positions)
{
	if (positions->confirmed > pump->confirmed || pump->reply_due)
		return pump->replied_ms + REPLY_INTERVAL_MS;
	return pump->replied_ms + pump->plan->feedback_interval_ms;
}

static Status
feedback_send(Pump *pump, const OutboxPositions *positions)
{
	pump->replied_ms = clock_monotonic_ms();
	pump->confirmed = positions->confirmed;
	pump->reply_due = false;
	metric_add(pump->plan->metrics, BRIDGE_METRIC_FEEDBACK, 0, 1);
	return repl_stream_send_feedback(pump->plan->stream, positions->received, positions->confirmed);
}

static void
watch_read(Pump *pump)
{
	const PumpPlan *plan = pump->plan;
	ServerReport report;

	switch (server_watch_read(plan->watch, &report))
	{
		case SERVER_WATCH_NOTHING:
			break;
		case SERVER_WATCH_REPORT:
			metric_set(plan->metrics, BRIDGE_METRIC_WAL_LAG_BYTES, 0,
					   report.wal_end > pump->confirmed
						   ? (int64_t) (report.wal_end - pump->confirmed)
						   : 0);
			metric_set(plan->metrics, BRIDGE_METRIC_SLOT_SAFE_WAL_BYTES, 0, report.safe_wal_bytes);
			break;
		case SERVER_WATCH_LOST:
			log_info("the server ends its connections");
			pump->watch_lost = true;
			pump->server_ending_ms = clock_monotonic_ms() + SERVER_ENDING_MS;
			outbox_set_flush_now(plan->outbox, true);
			break;
	}
}

static void
watch_ask_if_due(Pump *pump)
{
	int64_t now = clock_monotonic_ms();

	if (pump->watch_lost || (pump->watched_ms != 0 && now - pump->watched_ms < WATCH_INTERVAL_MS))
		return;
	pump->watched_ms = now;
	server_watch_ask(pump->plan->watch);
}

/* Waits for whatever comes next; at once when the stream may have more. */
static void
pump_wait(Pump *pump)
{
	const PumpPlan *plan = pump->plan;
	OutboxPositions positions = outbox_get_positions(plan->outbox);
	int64_t timeout = feedback_due_ms(pump, &positions) - clock_monotonic_ms();
	bool reads = !pump->full && !(pump->drain_ms != 0 && stream_at_boundary(pump));
	struct pollfd polled[] = {
		{.fd = repl_stream_get_socket(plan->stream),
		 .events = repl_stream_get_poll_events(plan->stream, reads)},
		{.fd = outbox_get_wake_fd(plan->outbox), .events = POLLIN},
		{.fd = pump->watch_lost ? -1 : server_watch_get_socket(plan->watch), .events = POLLIN},
		{.fd = pump->drain_ms != 0 ? -1 : plan->stop_fd, .events = POLLIN},
	};

	if (!pump->idle && !pump->full)
		timeout = 0;
	else if (timeout < 0)
		timeout = 0;
	if (poll(polled, 4, (int) timeout) <= 0)
		return;
	if (polled[1].revents != 0)
	{
		outbox_take_wake(plan->outbox);
		pump->full = false;
	}
	if (polled[2].revents != 0)
		watch_read(pump);
	if (polled[3].revents != 0)
	{
		pump->drain_ms = clock_monotonic_ms() + plan->drain_timeout_ms;
		outbox_set_flush_now(plan->outbox, true);
	}
}

/* Whether all that was received is confirmed, and nothing has begun after it. */
static bool
pump_is_drained(const Pump *pump, const OutboxPositions *positions)
{
	return stream_at_boundary(pump) && positions->transactions == 0 &&
		   positions->confirmed == positions->durable;
}

/* The stream's own end in order; failing to say goodbye changes nothing. */
static Status
pump_finish(Pump *pump, const OutboxPositions *positions)
{
	Wait wait = wait_begin(-1, FINISH_TIMEOUT_MS);
	Status status = feedback_send(pump, positions);

	if (status_is_ok(&status))
		status = repl_stream_finish(pump->plan->stream, &wait);
	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_WARNING, "the last feedback may not have arrived", &status);
	if (!pump_is_drained(pump, positions))
		log_warning("stopped before everything was acknowledged; it is published again after the "
					"next start",
					log_integer("transactions", (int64_t) positions->transactions),
					log_lsn("from", positions->confirmed));
	return status_ok();
}

/* What must hold whenever the loop begins a turn. */
static void
pump_assert_sane(const Pump *pump)
{
	/* Only a frame that was read can have been refused, and a malformed one ends the pump. */
	assert(!pump->full || pump->pending != FRAME_NONE);
	assert(pump->pending != FRAME_MALFORMED);
	assert(pump->reader.at <= pump->reader.bytes);
	/* INV-8: what was told to the server is confirmed; the outbox asserts the rest. */
	assert(pump->confirmed <= outbox_get_positions(pump->plan->outbox).confirmed);
}

/* One turn. *done: the pump ran to its end and the status is its result. */
static Status
pump_turn(Pump *pump, bool *done)
{
	Status failure = outbox_get_failure(pump->plan->outbox);

	*done = !status_is_ok(&failure);
	if (*done)
		return failure;

	Status status = stream_read(pump);
	OutboxPositions positions = outbox_get_positions(pump->plan->outbox);
	int64_t now = clock_monotonic_ms();

	*done = true;
	if (!status_is_ok(&status))
		return status;
	if (pump->drain_ms != 0 && (pump_is_drained(pump, &positions) || now >= pump->drain_ms))
		return pump_finish(pump, &positions);
	if (pump->server_ending_ms != 0 && now >= pump->server_ending_ms)
		return status_retry("the server ends its connections");
	*done = false;
	if (now >= feedback_due_ms(pump, &positions))
		status = feedback_send(pump, &positions);
	*done = !status_is_ok(&status);
	return status;
}

Status
pump_run(const PumpPlan *plan)
{
	Pump pump = {.plan = plan, .hold = transaction_hold_new()};
	Status status = pump.hold != NULL ? status_ok() : status_bug("out of memory");
	bool done = pump.hold == NULL;

	frame_reader_init(&pump.reader);
	while (!done)
	{
		pump_assert_sane(&pump);
		watch_ask_if_due(&pump);
		health_loop_beat(plan->health, plan->health_loop);
		status = pump_turn(&pump, &done);
		if (!done)
			pump_wait(&pump);
	}
	outbox_set_flush_now(plan->outbox, false);
	transaction_hold_free(pump.hold);
	return status;
}
