/*
 * live_streams.h
 *		The clients that follow histories: who they are, how far each one is, and writing to them.
 *		Knows nothing of SQL but the rows it is given.
 *
 * One mutex guards the list. A stream is added by a thread of the pool; the feeding thread alone
 * writes to streams and removes them.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/server.h"
#include "postgres/query.h"

/* Of one stream in one round: so one long history keeps nobody waiting. */
#define LIVE_EVENTS_AT_ONCE 50

typedef struct LiveStreams LiveStreams;

/* client_max: of one address. NULL when out of memory. */
LiveStreams *live_streams_new(int64_t client_max);
void live_streams_free(LiveStreams *streams);

/* Begins a stream after this version; false: there are too many, or the service stops. */
bool live_streams_add(LiveStreams *streams, HttpRequest *request, const char *wallet_id,
					  int64_t after);

/* No stream is added any more. */
void live_streams_close(LiveStreams *streams);

/*
 * What the streams wait for, as three array literals from malloc(): numbers of streams, wallets,
 * versions. False where none waits, or without memory.
 */
bool live_streams_print(LiveStreams *streams, char *arrays[3]);

/*
 * Takes rows of number, version and JSON, by number and version. A row without a version moves its
 * stream on by LIVE_EVENTS_AT_ONCE. What a stream has no room for is left for another round.
 */
PgRowSink live_streams_sink(LiveStreams *streams);

/* Whether a stream was left with more than it had room for. */
bool live_streams_were_cut(LiveStreams *streams);

/* Writes a comment, which shows that the line is alive and finds clients that have gone. */
void live_streams_ping(LiveStreams *streams);

/* Lets go of streams whose client has gone or does not read, or of all. How many are left. */
int64_t live_streams_sweep(LiveStreams *streams, bool all);
