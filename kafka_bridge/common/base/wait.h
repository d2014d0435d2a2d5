/*
 * wait.h
 *		Waiting that a stop request ends: every wait for a peer has a deadline and a stop fd.
 *
 * A Wait is made once for a whole task (connect, query with its result) and passed down, so that
 * all its steps share one deadline. The stop fd is one that stays readable once a stop was asked
 * for (signals_stop_fd()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define WAIT_FOREVER -1

typedef struct Wait
{
	int stop_fd;		 /* readable: give up; -1: nothing stops this wait */
	int64_t deadline_ms; /* by clock_monotonic_ms(); WAIT_FOREVER: none */
} Wait;

typedef enum WaitResult
{
	WAIT_READY,
	WAIT_STOPPED,
	WAIT_TIMED_OUT,
} WaitResult;

/* A wait that ends timeout_ms from now (WAIT_FOREVER: never) or when stop_fd becomes readable. */
Wait wait_begin(int stop_fd, int64_t timeout_ms);

/*
 * Milliseconds left, 0 when past; WAIT_FOREVER without a deadline. Fit for poll() after wait_slice.
 */
int64_t wait_remaining_ms(const Wait *wait);

/* The lesser of the time left and slice_ms, as an int for poll() and librdkafka. */
int wait_slice_ms(const Wait *wait, int slice_ms);

/*
 * Waits until fd has one of the poll(2) events. fd = -1: only the stop fd and the deadline count.
 */
WaitResult wait_for_fd(const Wait *wait, int fd, short events);

/* Whether a stop was asked for; does not wait. */
bool wait_is_stopped(int stop_fd);

/* Pauses for pause_ms, or until stop_fd is readable: then returns false. */
bool wait_pause(int stop_fd, int64_t pause_ms);

/*
 * The Status of a wait that did not end in WAIT_READY: RETRY with "<what>: stop requested" or
 * "<what>: timed out". A loop asks signals_stop_requested() before it reads anything into it.
 */
Status wait_status(WaitResult result, const char *what);
