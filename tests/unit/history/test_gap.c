/*
 * test_gap.c
 *		What is left of gaps when some of their versions come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/gap.h"

static const EventUuid alice = {{1}};
static const EventUuid bob = {{2}};

static Gap
gap_of(EventUuid wallet, int64_t from_version, int64_t to_version)
{
	return (Gap){.wallet = wallet,
				 .from_version = from_version,
				 .to_version = to_version,
				 .partition = 3,
				 .offset = 77,
				 .seen_at_us = 5};
}

static void
assert_gap(const Gap *gap, EventUuid wallet, int64_t from_version, int64_t to_version)
{
	assert_memory_equal(&gap->wallet, &wallet, sizeof(wallet));
	assert_true(gap->from_version == from_version);
	assert_true(gap->to_version == to_version);
	/* A piece says where and when the whole gap was seen. */
	assert_int_equal(gap->partition, 3);
	assert_true(gap->offset == 77);
	assert_true(gap->seen_at_us == 5);
}

/* Alice's gap, less these versions of hers. */
static GapList
subtract(int64_t from_version, int64_t to_version, const int64_t *versions, size_t count)
{
	GapList list = {.gaps = NULL};
	GapList left = {.gaps = NULL};
	WalletVersion filled[16];
	Gap gap = gap_of(alice, from_version, to_version);

	assert_true(gap_list_add(&list, &gap));
	for (size_t i = 0; i < count; i++)
		filled[i] = (WalletVersion){alice, versions[i]};
	assert_true(gap_list_subtract(&list, filled, count, &left));
	gap_list_free(&list);
	return left;
}

static void
test_shrinks_at_both_ends(void **state)
{
	GapList left = subtract(5, 9, (const int64_t[]){9, 5}, 2);

	(void) state;
	assert_int_equal(left.count, 1);
	assert_gap(&left.gaps[0], alice, 6, 8);
	gap_list_free(&left);
}

static void
test_splits_in_the_middle(void **state)
{
	GapList left = subtract(0, 9, (const int64_t[]){7, 3, 4, 3}, 4);

	(void) state;
	assert_int_equal(left.count, 3);
	assert_gap(&left.gaps[0], alice, 0, 2);
	assert_gap(&left.gaps[1], alice, 5, 6);
	assert_gap(&left.gaps[2], alice, 8, 9);
	gap_list_free(&left);
}

static void
test_vanishes_when_filled(void **state)
{
	GapList left = subtract(2, 4, (const int64_t[]){4, 2, 3, 4, 2}, 5);

	(void) state;
	assert_int_equal(left.count, 0);
	gap_list_free(&left);
}

static void
test_ignores_versions_outside(void **state)
{
	GapList left = subtract(5, 6, (const int64_t[]){0, 4, 7, 100}, 4);

	(void) state;
	assert_int_equal(left.count, 1);
	assert_gap(&left.gaps[0], alice, 5, 6);
	gap_list_free(&left);
}

static void
test_holds_the_largest_version(void **state)
{
	GapList left = subtract(INT64_MAX - 2, INT64_MAX, (const int64_t[]){INT64_MAX, INT64_MAX}, 2);

	(void) state;
	assert_int_equal(left.count, 1);
	assert_gap(&left.gaps[0], alice, INT64_MAX - 2, INT64_MAX - 1);
	gap_list_free(&left);
}

static void
test_keeps_wallets_apart(void **state)
{
	GapList list = {.gaps = NULL};
	GapList left = {.gaps = NULL};
	WalletVersion filled[] = {{bob, 1}, {alice, 6}};
	Gap gaps[] = {gap_of(bob, 5, 6), gap_of(alice, 5, 7), gap_of(bob, 0, 1)};

	(void) state;
	for (size_t i = 0; i < 3; i++)
		assert_true(gap_list_add(&list, &gaps[i]));
	assert_true(gap_list_subtract(&list, filled, 2, &left));
	assert_int_equal(left.count, 4);
	assert_gap(&left.gaps[0], alice, 5, 5);
	assert_gap(&left.gaps[1], alice, 7, 7);
	assert_gap(&left.gaps[2], bob, 0, 0);
	assert_gap(&left.gaps[3], bob, 5, 6);
	gap_list_free(&list);
	gap_list_free(&left);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrinks_at_both_ends),
		cmocka_unit_test(test_splits_in_the_middle),
		cmocka_unit_test(test_vanishes_when_filled),
		cmocka_unit_test(test_ignores_versions_outside),
		cmocka_unit_test(test_holds_the_largest_version),
		cmocka_unit_test(test_keeps_wallets_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
