/*
 * walsender.h
 *		Streams commits as the output plugin frames them, and keepalives.
 */
#pragma once

#include "server.h"

void walsender_start(PGconn *session);

/* There is something new. */
void walsender_nudge(PGconn *session);

/* Ends the stream in order. */
void walsender_finish(PGconn *session);
