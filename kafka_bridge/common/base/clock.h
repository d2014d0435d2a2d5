/*
 * clock.h
 *		The two clocks. Monotonic for durations and deadlines, wall for what is shown or stored.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t
clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

/* Microseconds since 1970-01-01 00:00 UTC. */
static inline int64_t
clock_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
