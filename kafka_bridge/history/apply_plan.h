/*
 * apply_plan.h
 *		Which events of a batch are new, which must be compared with what is stored, and which
 *		versions are missing before them. Pure.
 *
 * Call order: apply_plan_begin(); apply_plan_newest_set() for each wallet in `unknown`;
 * apply_plan_classify(). Then inserts, compares and gaps stand. Inserts go by wallet, and so by the
 * index that they enter, each wallet's in the order they were read.
 *
 * A version above the wallet's newest one is new and can be inserted without a look; if it is not
 * the very next one, what lies between is a gap. A version at or below it is a copy, a
 * contradiction or fills a gap: the stored row decides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "gap.h"
#include "version_cache.h"
#include "wallet_table.h"

typedef struct IndexList
{
	uint32_t *indexes; /* of records in the batch */
	size_t count;
} IndexList;

/* Zero-initialised is empty. */
typedef struct ApplyPlan
{
	WalletTable newest; /* the batch's wallets: newest version, after the batch once classified */
	EventUuid *unknown; /* of these the cache knows nothing */
	size_t unknown_count;
	IndexList inserts;
	IndexList compares;
	GapList gaps;
	size_t capacity; /* of the arrays */
} ApplyPlan;

/* False when out of memory. */
bool apply_plan_begin(ApplyPlan *plan, const Batch *batch, VersionCache *cache);

/* Newest stored version of a wallet of the batch; those not set have none. */
void apply_plan_newest_set(ApplyPlan *plan, const EventUuid *wallet, int64_t newest);

/* False when out of memory. */
bool apply_plan_classify(ApplyPlan *plan, const Batch *batch);

/* After the commit: what the plan says is now stored. */
void apply_plan_remember(const ApplyPlan *plan, VersionCache *cache);

void apply_plan_free(ApplyPlan *plan);
