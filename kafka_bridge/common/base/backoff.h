/*
 * backoff.h
 *		How long to wait before the next try: doubles from initial to maximum, each between half
 *		and all of it at random, so that many clients do not return together. Pure.
 */
#pragma once

#include <stdint.h>

typedef struct Backoff
{
	int64_t initial_ms;
	int64_t maximum_ms;
	int64_t current_ms; /* upper bound of the next pause */
	uint64_t random_state;
} Backoff;

/* 0 < initial_ms <= maximum_ms. The same seed gives the same pauses. */
Backoff backoff_begin(int64_t initial_ms, int64_t maximum_ms, uint64_t seed);

/* Milliseconds to pause now. */
int64_t backoff_next_ms(Backoff *backoff);

/* After a success: the next pause is a short one again. */
void backoff_reset(Backoff *backoff);
