/*
 * live.h
 *		Server-sent events (WHATWG HTML, 9.2) of wallets' histories: GET /wallets/{id}/history/live.
 *
 * A client first gets the events after the version it names (Last-Event-ID, or ?after=), else the
 * newest 50, then each new one as it comes back through Kafka, oldest first. One thread asks for
 * all clients together, five times a second, and only while there are any; a comment every 15 s
 * shows that the line is alive and finds clients that have gone.
 *
 * Call order: live_new(); live_start(); live_stop() before the HTTP server stops; live_free().
 */
#pragma once

#include "http/server.h"
#include "base/metrics.h"
#include "postgres/pool.h"
#include "base/status.h"

typedef struct Live Live;

/* plan must outlive it. NULL when out of memory. */
Live *live_new(const PgPoolPlan *plan, PgPool *pool, int64_t client_streams_max);
/* BUG: no thread can be started. */
Status live_start(Live *live, Metrics *metrics);
void live_stop(Live *live);
void live_free(Live *live);

/* The route of the requests that begin a stream. */
HttpRoute live_route(const Live *live, size_t label);
