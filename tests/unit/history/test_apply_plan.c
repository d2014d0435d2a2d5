/*
 * test_apply_plan.c
 *		Which events are new and what is missing before them; and, by a model, that batches of
 *		duplicates, gaps and late versions end where one event at a time would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/apply_plan.h"

#define MODEL_WALLETS  4
#define MODEL_VERSIONS 24
#define MODEL_RUNS	   300

static void
handle_release(void *handle)
{
	(void) handle;
}

static EventUuid
wallet_of(int number)
{
	return (EventUuid){{(unsigned char) (number + 1)}};
}

static void
add(Batch *batch, int wallet, int64_t version)
{
	static const char text[] = "01943c5e-7b00-7000-8000-0123456789ab";
	int64_t offset = (int64_t) batch->count;
	BatchSource source = {.partition = 0, .offset = offset, .position = offset};
	JsonSlice uuid = {text, 36};
	Event event = {.wallet = wallet_of(wallet),
				   .version = version,
				   .wallet_id = uuid,
				   .user_id = {"u", 1},
				   .event_type = {"FUND", 4},
				   .amount = {"1.0000", 6},
				   .record = {"{}", 2}};

	assert_true(batch_add_event(batch, &source, &event));
}

static void
assert_indexes(const IndexList *list, const uint32_t *expected, size_t count)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list->indexes[i], expected[i]);
}

static void
test_contiguous_events_are_inserts_by_wallet(void **state)
{
	VersionCache cache = {.wallets_max = 64};
	ApplyPlan plan = {.capacity = 0};
	Batch batch = {.count = 0};
	EventUuid known = wallet_of(1);

	(void) state;
	version_cache_put(&cache, &known, 6);
	add(&batch, 0, 0);
	add(&batch, 1, 7);
	add(&batch, 0, 1);
	add(&batch, 1, 8);
	assert_true(apply_plan_begin(&plan, &batch, &cache));
	assert_int_equal(plan.unknown_count, 1);
	assert_true(apply_plan_classify(&plan, &batch));
	assert_indexes(&plan.inserts, (const uint32_t[]){0, 2, 1, 3}, 4);
	assert_int_equal(plan.compares.count, 0);
	assert_int_equal(plan.gaps.count, 0);
	apply_plan_remember(&plan, &cache);

	int64_t newest = 0;

	assert_true(version_cache_get(&cache, &known, &newest));
	assert_true(newest == 8);
	apply_plan_free(&plan);
	version_cache_free(&cache);
	batch_free(&batch, handle_release);
}

static void
test_gaps_and_late_events(void **state)
{
	VersionCache cache = {.wallets_max = 64};
	ApplyPlan plan = {.capacity = 0};
	Batch batch = {.count = 0};
	EventUuid wallet = wallet_of(0);

	(void) state;
	add(&batch, 0, 4); /* stored already */
	add(&batch, 0, 9); /* 6 to 8 are missing */
	add(&batch, 0, 7); /* comes late */
	add(&batch, 0, 9); /* a copy */
	add(&batch, 1, 2); /* the first of its wallet: 0 and 1 are missing */
	add(&batch, 1, INT64_MAX);
	add(&batch, 1, INT64_MAX);
	assert_true(apply_plan_begin(&plan, &batch, &cache));
	assert_int_equal(plan.unknown_count, 2);
	apply_plan_newest_set(&plan, &wallet, 5);
	assert_true(apply_plan_classify(&plan, &batch));
	assert_indexes(&plan.inserts, (const uint32_t[]){1, 4, 5}, 3);
	assert_indexes(&plan.compares, (const uint32_t[]){0, 2, 3, 6}, 4);
	assert_int_equal(plan.gaps.count, 3);
	assert_true(plan.gaps.gaps[0].from_version == 6 && plan.gaps.gaps[0].to_version == 8);
	assert_true(plan.gaps.gaps[0].offset == 1 && plan.gaps.gaps[0].seen_at_us == 0);
	assert_true(plan.gaps.gaps[1].from_version == 0 && plan.gaps.gaps[1].to_version == 1);
	assert_true(plan.gaps.gaps[2].from_version == 3 &&
				plan.gaps.gaps[2].to_version == INT64_MAX - 1);
	apply_plan_free(&plan);
	version_cache_free(&cache);
	batch_free(&batch, handle_release);
}

static void
test_poison_has_no_part(void **state)
{
	VersionCache cache = {.wallets_max = 64};
	ApplyPlan plan = {.capacity = 0};
	Batch batch = {.count = 0};

	(void) state;
	add(&batch, 0, 0);
	add(&batch, 0, 1);
	add(&batch, 0, 2);
	assert_true(batch_record_poison(&batch.records[1], true, "Name", "why"));
	assert_true(apply_plan_begin(&plan, &batch, &cache));
	assert_true(apply_plan_classify(&plan, &batch));
	assert_indexes(&plan.inserts, (const uint32_t[]){0, 2}, 2);
	assert_int_equal(plan.gaps.count, 1);
	assert_true(plan.gaps.gaps[0].from_version == 1 && plan.gaps.gaps[0].to_version == 1);
	apply_plan_free(&plan);
	version_cache_free(&cache);
	batch_free(&batch, handle_release);
}

/* The tables, as far as versions go. */
typedef struct Model
{
	bool stored[MODEL_WALLETS][MODEL_VERSIONS];
	GapList gaps;
} Model;

static int64_t
model_newest(const Model *model, const EventUuid *wallet)
{
	for (int64_t version = MODEL_VERSIONS - 1; version >= 0; version--)
		if (model->stored[wallet->bytes[0] - 1][version])
			return version;
	return -1;
}

/* What the applier does with the tables, without the tables. */
static void
model_apply(Model *model, const Batch *batch, VersionCache *cache)
{
	ApplyPlan plan = {.capacity = 0};
	WalletVersion filled[64];
	size_t filled_count = 0;
	GapList left = {.gaps = NULL};

	assert_true(apply_plan_begin(&plan, batch, cache));
	for (size_t i = 0; i < plan.unknown_count; i++)
		apply_plan_newest_set(&plan, &plan.unknown[i], model_newest(model, &plan.unknown[i]));
	assert_true(apply_plan_classify(&plan, batch));
	for (size_t i = 0; i < plan.inserts.count; i++)
	{
		const BatchRecord *record = &batch->records[plan.inserts.indexes[i]];
		bool *stored = &model->stored[record->wallet.bytes[0] - 1][record->version];

		/* COPY would fail on a row that is there. */
		assert_false(*stored);
		*stored = true;
	}
	for (size_t i = 0; i < plan.compares.count; i++)
	{
		const BatchRecord *record = &batch->records[plan.compares.indexes[i]];
		bool *stored = &model->stored[record->wallet.bytes[0] - 1][record->version];

		if (!*stored)
			filled[filled_count++] = (WalletVersion){record->wallet, record->version};
		*stored = true;
	}
	for (size_t i = 0; i < plan.gaps.count; i++)
		assert_true(gap_list_add(&model->gaps, &plan.gaps.gaps[i]));
	assert_true(gap_list_subtract(&model->gaps, filled, filled_count, &left));
	gap_list_free(&model->gaps);
	model->gaps = left;
	apply_plan_remember(&plan, cache);
	apply_plan_free(&plan);
}

/* Every version up to the newest is either stored or in exactly one gap. */
static void
model_check(const Model *model)
{
	for (int wallet = 0; wallet < MODEL_WALLETS; wallet++)
	{
		EventUuid id = wallet_of(wallet);
		int64_t newest = model_newest(model, &id);

		for (int64_t version = 0; version < MODEL_VERSIONS; version++)
		{
			int covered = 0;

			for (size_t i = 0; i < model->gaps.count; i++)
			{
				const Gap *gap = &model->gaps.gaps[i];

				if (memcmp(&gap->wallet, &id, sizeof(id)) == 0 && gap->from_version <= version &&
					version <= gap->to_version)
					covered++;
			}
			assert_int_equal(covered, version < newest && !model->stored[wallet][version] ? 1 : 0);
		}
	}
}

static void
test_model_of_random_batches(void **state)
{
	uint64_t random = 11;

	(void) state;
	for (int run = 0; run < MODEL_RUNS; run++)
	{
		Model model = {.gaps = {.gaps = NULL}};
		VersionCache cache = {.wallets_max = 2};

		for (int round = 0; round < 12; round++)
		{
			Batch batch = {.count = 0};
			size_t events = 1 + (random >> 35) % 12;

			for (size_t i = 0; i < events; i++)
			{
				random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
				add(&batch, (int) ((random >> 33) % MODEL_WALLETS),
					(int64_t) ((random >> 43) % MODEL_VERSIONS));
			}
			model_apply(&model, &batch, &cache);
			model_check(&model);
			batch_free(&batch, handle_release);
		}
		gap_list_free(&model.gaps);
		version_cache_free(&cache);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contiguous_events_are_inserts_by_wallet),
		cmocka_unit_test(test_gaps_and_late_events),
		cmocka_unit_test(test_poison_has_no_part),
		cmocka_unit_test(test_model_of_random_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
