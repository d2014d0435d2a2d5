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

/* Of one stream in one round: so one long history keeps nobody waiting. */
#define LIVE_EVENTS_AT_ONCE 100

typedef struct LiveStreams LiveStreams;

/* NULL when out of memory. */
LiveStreams *live_streams_new(void);
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
 * Rows of number, version and JSON, by number and version. A row without a version moves its stream
 * on by LIVE_EVENTS_AT_ONCE.
 */
void live_streams_write(LiveStreams *streams, const PGresult *result);

/* Writes a comment, which shows that the line is alive and finds clients that have gone. */
void live_streams_ping(LiveStreams *streams);

/* Lets go of streams whose client has gone or does not read, or of all. How many are left. */
int64_t live_streams_sweep(LiveStreams *streams, bool all);
