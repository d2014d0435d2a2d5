/*
 * history_metrics.c
 *		The table that /metrics and the reference are made from.
 */
#include "history_metrics.h"

static const char *const rebalance_kinds[] = {"came", "went", "lost", NULL};

const MetricDefinition history_metrics[HISTORY_METRIC_COUNT] = {
	[HISTORY_APPLIED] = {.name = "wallet_history_applied_total",
						 .type = METRIC_COUNTER,
						 .help = "Events stored in transaction_events."},
	[HISTORY_DUPLICATES] = {.name = "wallet_history_duplicates_total",
							.type = METRIC_COUNTER,
							.help = "Copies of events already stored, skipped."},
	[HISTORY_FILLED] = {.name = "wallet_history_filled_total",
						.type = METRIC_COUNTER,
						.help = "Events that came late and filled a recorded gap."},
	[HISTORY_GAPS_FOUND] = {.name = "wallet_history_gaps_total",
							.type = METRIC_COUNTER,
							.help = "Ranges of missing versions that were recorded."},
	[HISTORY_CONFLICTS_FOUND] = {.name = "wallet_history_conflicts_total",
								 .type = METRIC_COUNTER,
								 .help = "Events recorded because they contradict the stored one."},
	[HISTORY_DEAD_LETTERS] = {.name = "wallet_history_dead_letters_total",
							  .type = METRIC_COUNTER,
							  .help = "Records sent to the dead letter topic."},
	[HISTORY_GAPS] = {.name = "wallet_history_gaps",
					  .type = METRIC_GAUGE,
					  .help = "Ranges of missing versions that stand recorded now."},
	[HISTORY_CONFLICTS] = {.name = "wallet_history_conflicts",
						   .type = METRIC_GAUGE,
						   .help = "Contradictions that stand recorded now."},
	[HISTORY_BATCH_TIME] = {.name = "wallet_history_batch_seconds",
							.type = METRIC_HISTOGRAM,
							.help = "Time to apply a batch, commit included.",
							.scale = METRIC_SCALE_US},
	[HISTORY_COMMIT_TO_HISTORY] = {.name = "wallet_history_commit_to_history_seconds",
								   .type = METRIC_HISTOGRAM,
								   .help =
									   "From an event's created_at to its commit in the history, "
									   "by the two machines' clocks.",
								   .scale = METRIC_SCALE_US},
	[HISTORY_LAG_EVENTS] = {.name = "wallet_history_lag_events",
							.type = METRIC_GAUGE,
							.help = "Records of the assigned partitions that are not applied yet."},
	[HISTORY_LAG_TIME] = {.name = "wallet_history_lag_seconds",
						  .type = METRIC_GAUGE,
						  .help = "Age of the last applied event where records wait, else 0.",
						  .scale = METRIC_SCALE_US},
	[HISTORY_PARTITIONS] = {.name = "wallet_history_partitions",
							.type = METRIC_GAUGE,
							.help = "Partitions assigned to this process."},
	[HISTORY_PARTITIONS_PAUSED] = {.name = "wallet_history_paused_partitions",
								   .type = METRIC_GAUGE,
								   .help =
									   "Partitions paused because PostgreSQL does not keep up."},
	[HISTORY_PARTITIONS_HALTED] = {.name = "wallet_history_halted_partitions",
								   .type = METRIC_GAUGE,
								   .help =
									   "Partitions stopped at a gap or conflict by the policy."},
	[HISTORY_REBALANCES] = {.name = "wallet_history_rebalances_total",
							.type = METRIC_COUNTER,
							.help = "Changes of the assignment.",
							.label = "kind",
							.label_values = rebalance_kinds},
	[HISTORY_FENCE_LOST] = {.name = "wallet_history_fence_lost_total",
							.type = METRIC_COUNTER,
							.help = "Batches rolled back because another owner had taken over."},
	[HISTORY_RETRIES] =
		{.name = "wallet_history_retries_total",
		 .type = METRIC_COUNTER,
		 .help = "Attempts that failed because of PostgreSQL or Kafka and are repeated."},
	[HISTORY_BUILD_INFO] = {.name = "wallet_history_build_info",
							.type = METRIC_INFO,
							.help = "Version of the program and of librdkafka."},
};
