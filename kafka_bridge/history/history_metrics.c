/*
 * history_metrics.c
 *		The table that /metrics and the reference are made from.
 */
#include "history_metrics.h"

#include "http_reads.h"

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
	[HISTORY_DEAD_LETTERS_RECORDED] = {.name = "wallet_history_dead_letters",
									   .type = METRIC_GAUGE,
									   .help = "Dead letters that stand recorded now."},
	[HISTORY_FOREIGN_RECORDS] = {.name = "wallet_history_foreign_records",
								 .type = METRIC_GAUGE,
								 .help = "Of the dead letters that stand recorded now, events of "
										 "another source."},
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
							.help = "Records of the assigned partitions that are not applied yet; "
									"NaN while that is not known."},
	[HISTORY_LAG_TIME] = {.name = "wallet_history_lag_seconds",
						  .type = METRIC_GAUGE,
						  .help = "Age of the oldest committed entry that has no event in the "
								  "history, of all partitions; NaN while that is not known.",
						  .scale = METRIC_SCALE_US},
	[HISTORY_READY] = {.name = "wallet_history_ready",
					   .type = METRIC_GAUGE,
					   .help = "1 where every check of /health passes, else 0."},
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
	[HISTORY_HTTP_REQUESTS] = {.name = "wallet_history_requests_total",
							   .type = METRIC_COUNTER,
							   .help = "Requests that were answered.",
							   .label = "status",
							   .label_values = daemon_status_classes},
	[HISTORY_HTTP_TIME] = {.name = "wallet_history_request_seconds",
						   .type = METRIC_HISTOGRAM,
						   .help = "From a request's first line to its answer.",
						   .scale = METRIC_SCALE_US,
						   .label = "endpoint",
						   .label_values = http_reads_labels},
	[HISTORY_HTTP_RETRIES] = {.name = "wallet_history_read_retries_total",
							  .type = METRIC_COUNTER,
							  .help = "Reads run again after a timeout."},
	[HISTORY_POOL_CONNECTIONS] = {.name = "wallet_history_pool_connections",
								  .type = METRIC_GAUGE,
								  .help = "Open connections to PostgreSQL for reads."},
	[HISTORY_POOL_BUSY] = {.name = "wallet_history_pool_busy",
						   .type = METRIC_GAUGE,
						   .help = "Connections that work on a read."},
	[HISTORY_POOL_WAITING] = {.name = "wallet_history_pool_waiting",
							  .type = METRIC_GAUGE,
							  .help = "Reads that wait for a connection."},
	[HISTORY_POOL_REFUSED] = {.name = "wallet_history_pool_refused_total",
							  .type = METRIC_COUNTER,
							  .help = "Reads answered 503 without a connection: PostgreSQL gone, "
									  "queue full, waited too long."},
	[HISTORY_BUILD_INFO] = {.name = "wallet_history_build_info",
							.type = METRIC_INFO,
							.help = "Version of the program and of librdkafka."},
};

const DaemonRequestMetrics history_request_metrics = {HISTORY_HTTP_REQUESTS, HISTORY_HTTP_TIME};
const PgPoolMetrics history_pool_metrics = {HISTORY_POOL_CONNECTIONS, HISTORY_POOL_BUSY,
											HISTORY_POOL_WAITING, HISTORY_POOL_REFUSED, 0};
