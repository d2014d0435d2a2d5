/*
 * pump.h
 *		The stream loop: frames out of the stream into the outbox, confirmed positions back.
 *
 * Never blocks on either side. While the outbox is full it stops reading, goes on telling the
 * server that it is alive, and reads on when there is room.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "observe/health.h"
#include "base/metrics.h"
#include "outbox.h"
#include "repl_stream.h"
#include "server_watch.h"
#include "base/status.h"

typedef struct PumpPlan
{
	ReplStream *stream; /* started */
	ServerWatch *watch;
	Outbox *outbox;
	int stop_fd;
	int64_t feedback_interval_ms; /* well below the server's wal_sender_timeout */
	int64_t drain_timeout_ms;
	Health *health;
	size_t health_loop;
	Metrics *metrics;
} PumpPlan;

/*
 * Runs until a stop was asked for and everything received is confirmed, or the drain timeout is
 * over (OK); until the stream or the server is lost (RETRY); or until the outbox failed (its
 * failure).
 */
Status pump_run(const PumpPlan *plan);
