/*
 * server_clock.h
 *		PostgreSQL's clock, as told now and then and carried on by the monotonic one: this machine's
 *		wall clock may be wrong or be set. Pure.
 */
#pragma once

#include <stdint.h>

/* Zero-initialised: not told yet. */
typedef struct ServerClock
{
	int64_t told_us;	  /* since 1970; 0: never */
	int64_t monotonic_us; /* when it was told */
} ServerClock;

void server_clock_tell(ServerClock *clock, int64_t server_us, int64_t monotonic_us);

/* The server's time now; the wall clock's as long as nobody told it. */
int64_t server_clock_now(const ServerClock *clock, int64_t monotonic_us, int64_t wall_us);
