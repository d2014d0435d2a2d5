/*
 * signals.h
 *		TERM and INT ask the process to stop, a second one kills it at once; HUP asks it to reload;
 *		PIPE is ignored.
 *
 * The handlers only set a flag and write an eventfd, so any thread may take the signal and every
 * loop can poll for it beside its sockets. The stop fd is never read: once readable it stays so,
 * for all threads.
 */
#pragma once

#include <stdbool.h>

#include "base/status.h"

/* Once, before any thread starts. */
Status signals_start(void);

/* Readable from the first stop request on. Poll it, do not read it, do not close it. */
int signals_stop_fd(void);
bool signals_stop_requested(void);

/* Stops the process from within, as TERM does; from any thread. */
void signals_stop_request(void);

/* Readable when a HUP came since the last signals_reload_take(), which returns whether one did. */
int signals_reload_fd(void);
bool signals_reload_take(void);
