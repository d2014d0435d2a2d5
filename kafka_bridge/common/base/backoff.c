/*
 * backoff.c
 *		Jittered exponential pauses. Pure: the caller's seed is the only source of chance.
 */
#include "base/backoff.h"

#include <assert.h>

/* splitmix64: any seed will do, 0 too. */
static uint64_t
backoff_random_next(uint64_t *state)
{
	uint64_t mixed = *state += 0x9E3779B97F4A7C15u;

	mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
	return mixed ^ (mixed >> 31);
}

Backoff
backoff_begin(int64_t initial_ms, int64_t maximum_ms, uint64_t seed)
{
	assert(initial_ms > 0 && initial_ms <= maximum_ms);
	return (Backoff){
		.initial_ms = initial_ms,
		.maximum_ms = maximum_ms,
		.current_ms = initial_ms,
		.random_state = seed,
	};
}

int64_t
backoff_next_ms(Backoff *backoff)
{
	int64_t bound = backoff->current_ms;
	int64_t half = bound / 2;
	uint64_t choices = (uint64_t) (bound - half) + 1;

	backoff->current_ms = bound > backoff->maximum_ms / 2 ? backoff->maximum_ms : bound * 2;
	return half + (int64_t) (backoff_random_next(&backoff->random_state) % choices);
}

void
backoff_reset(Backoff *backoff)
{
	backoff->current_ms = backoff->initial_ms;
}
