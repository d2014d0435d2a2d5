/*
 * test_inflight.c
 *		The ring of transactions in flight: what may be confirmed, and when there is room.
 *
 * Beside single cases, a long random run against a naive model that keeps every transaction for
 * ever and computes the durable position by its definition (INV-8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/inflight.h"

static void
test_starts_at_its_position(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(4, 1000, 77);

	assert_int_equal(inflight_get_received(ring), 77);
	assert_int_equal(inflight_get_durable(ring), 77);
	assert_int_equal(inflight_count(ring), 0);
	assert_false(inflight_get_open(ring, &(uint64_t){0}, &(uint64_t){0}, &(uint64_t){0}));
	inflight_free(ring);
}

static void
test_open_transaction_is_not_durable(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(4, 1000, 10);
	uint64_t ticket = inflight_begin(ring, 20, 0);

	inflight_add_event(ring, 100);
	inflight_ack(ring, ticket, 1, 100);
	assert_int_equal(inflight_get_durable(ring), 10);
	assert_int_equal(inflight_get_received(ring), 10);
	inflight_commit(ring, 25);
	assert_int_equal(inflight_get_durable(ring), 25);
	assert_int_equal(inflight_get_received(ring), 25);
	assert_int_equal(inflight_count(ring), 0);
	inflight_free(ring);
}

static void
test_acknowledged_out_of_order(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(4, 1000, 10);
	uint64_t first = inflight_begin(ring, 20, 0);

	inflight_add_event(ring, 1);
	inflight_add_event(ring, 1);
	inflight_commit(ring, 25);

	uint64_t second = inflight_begin(ring, 30, 0);

	inflight_add_event(ring, 1);
	inflight_commit(ring, 35);

	inflight_ack(ring, second, 1, 1);
	assert_int_equal(inflight_get_durable(ring), 10);
	inflight_ack(ring, first, 1, 1);
	assert_int_equal(inflight_get_durable(ring), 10);
	inflight_ack(ring, first, 1, 1);
	assert_int_equal(inflight_get_durable(ring), 35);
	inflight_free(ring);
}

static void
test_keepalive_counts_behind_what_is_pending(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(4, 1000, 10);

	inflight_advance(ring, 15);
	assert_int_equal(inflight_get_durable(ring), 15);
	inflight_advance(ring, 12);
	assert_int_equal(inflight_get_durable(ring), 15);

	uint64_t ticket = inflight_begin(ring, 20, 0);

	inflight_add_event(ring, 1);
	inflight_advance(ring, 90);
	assert_int_equal(inflight_get_received(ring), 15);
	inflight_commit(ring, 25);
	inflight_advance(ring, 40);
	assert_int_equal(inflight_get_received(ring), 40);
	assert_int_equal(inflight_get_durable(ring), 15);
	inflight_ack(ring, ticket, 1, 1);
	assert_int_equal(inflight_get_durable(ring), 40);
	inflight_free(ring);
}

static void
test_bounds(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(2, 100, 0);
	uint64_t first = inflight_begin(ring, 1, 0);

	assert_true(inflight_has_bytes(ring, 5000)); /* alone, even the largest event may pass */
	inflight_add_event(ring, 60);
	assert_true(inflight_has_bytes(ring, 40));
	assert_false(inflight_has_bytes(ring, 41));
	inflight_commit(ring, 2);
	inflight_begin(ring, 3, 0);
	assert_false(inflight_has_entry(ring));
	inflight_add_event(ring, 40);
	inflight_remove_event(ring, 40);
	inflight_commit(ring, 4);
	assert_false(inflight_has_entry(ring));
	inflight_ack(ring, first, 1, 60);
	assert_true(inflight_has_entry(ring));
	assert_int_equal(inflight_get_bytes(ring), 0);
	assert_int_equal(inflight_get_durable(ring), 4);
	inflight_free(ring);
}

static void
test_open_transaction_is_told_for_resumption(void **state)
{
	(void) state;

	Inflight *ring = inflight_new(2, 100, 0);
	uint64_t ticket;
	uint64_t commit_lsn;
	uint64_t events;
	uint64_t begun = inflight_begin(ring, 11, 123456);

	inflight_add_event(ring, 1);
	inflight_add_event(ring, 1);
	inflight_ack(ring, begun, 1, 1);
	assert_true(inflight_get_open(ring, &ticket, &commit_lsn, &events));
	assert_int_equal(ticket, begun);
	assert_int_equal(commit_lsn, 11);
	assert_int_equal(events, 2);
	assert_int_equal(inflight_get_commit_time(ring, begun), 123456);
	inflight_free(ring);
}

/* The naive model: every transaction ever begun, in commit order. */
#define MODEL_TRANSACTIONS 20000

typedef struct ModelTransaction
{
	uint64_t ticket;
	uint64_t position; /* its end, or a later keepalive */
	uint32_t events;
	uint32_t acknowledged;
	int committed;
} ModelTransaction;

static ModelTransaction model[MODEL_TRANSACTIONS];
static size_t model_count;
static uint64_t model_start; /* durable without any transaction */

static uint64_t
model_durable(size_t *oldest_pending)
{
	uint64_t durable = model_start;
	size_t i = 0;

	for (; i < model_count; i++)
	{
		if (!model[i].committed || model[i].acknowledged < model[i].events)
			break;
		durable = model[i].position;
	}
	*oldest_pending = i;
	return durable;
}

static uint32_t
random_below(uint64_t *seed, uint32_t bound)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t) (*seed >> 33) % bound;
}

/* Acknowledges a random event that is in flight, if there is one. */
static void
model_acknowledge_one(Inflight *ring, uint64_t *seed, size_t oldest)
{
	if (oldest == model_count)
		return;

	ModelTransaction *transaction =
		&model[oldest + random_below(seed, (uint32_t) (model_count - oldest))];

	if (transaction->acknowledged == transaction->events)
		return;
	transaction->acknowledged++;
	inflight_ack(ring, transaction->ticket, 1, 7);
}

/* One random step of the reader: begin, event, commit or keepalive, as far as there is room. */
static void
model_read_one(Inflight *ring, uint64_t *seed, uint64_t *lsn)
{
	ModelTransaction *newest = model_count > 0 ? &model[model_count - 1] : NULL;

	*lsn += 1 + random_below(seed, 50);
	if (newest == NULL || newest->committed)
	{
		if (random_below(seed, 4) == 0)
		{
			inflight_advance(ring, *lsn);
			if (newest != NULL)
				newest->position = *lsn;
			else
				model_start = *lsn;
		}
		else if (inflight_has_entry(ring))
			model[model_count++] = (ModelTransaction){.ticket = inflight_begin(ring, *lsn, 0)};
	}
	else if (random_below(seed, 3) == 0)
	{
		inflight_commit(ring, *lsn);
		newest->committed = 1;
		newest->position = *lsn;
	}
	else if (inflight_has_bytes(ring, 7))
	{
		inflight_add_event(ring, 7);
		newest->events++;
	}
	else
		inflight_advance(ring, *lsn + 1000000); /* must not count inside a transaction */
}

static void
run_against_model(uint64_t seed, uint32_t capacity, uint64_t bytes_max)
{
	Inflight *ring = inflight_new(capacity, bytes_max, 0);
	uint64_t lsn = 0;
	uint64_t previous = 0;
	size_t oldest = 0;

	model_count = 0;
	model_start = 0;
	for (int step = 0; step < 20000 && model_count < MODEL_TRANSACTIONS; step++)
	{
		if (random_below(&seed, 2) == 0)
			model_read_one(ring, &seed, &lsn);
		else
			model_acknowledge_one(ring, &seed, oldest);

		uint64_t durable = model_durable(&oldest);

		assert_int_equal(inflight_get_durable(ring), durable);
		assert_true(durable >= previous);
		assert_int_equal(inflight_count(ring), model_count - oldest);
		assert_true(inflight_count(ring) <= capacity);
		assert_true(inflight_get_bytes(ring) <= bytes_max);
		previous = durable;
	}
	inflight_free(ring);
}

static void
test_against_naive_model(void **state)
{
	(void) state;
	for (uint64_t seed = 1; seed <= 20; seed++)
	{
		run_against_model(seed, 1, 7);
		run_against_model(seed, 3, 50);
		run_against_model(seed, 64, 700);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_at_its_position),
		cmocka_unit_test(test_open_transaction_is_not_durable),
		cmocka_unit_test(test_acknowledged_out_of_order),
		cmocka_unit_test(test_keepalive_counts_behind_what_is_pending),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_open_transaction_is_told_for_resumption),
		cmocka_unit_test(test_against_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
