/*
 * history_metrics.h
 *		Every metric of wallet_history, as the table in history_metrics.c documents it.
 */
#pragma once

#include "daemon/daemon.h"
#include "base/metrics.h"
#include "postgres/pool.h"

typedef enum HistoryMetric
{
	HISTORY_APPLIED,
	HISTORY_DUPLICATES,
	HISTORY_FILLED,
	HISTORY_GAPS_FOUND,
	HISTORY_CONFLICTS_FOUND,
	HISTORY_DEAD_LETTERS,
	HISTORY_GAPS,
	HISTORY_CONFLICTS,
	HISTORY_DEAD_LETTERS_RECORDED,
	HISTORY_BATCH_TIME,
	HISTORY_COMMIT_TO_HISTORY,
	HISTORY_LAG_EVENTS,
	HISTORY_LAG_TIME,
	HISTORY_READY,
	HISTORY_PARTITIONS,
	HISTORY_PARTITIONS_PAUSED,
	HISTORY_PARTITIONS_HALTED,
	HISTORY_REBALANCES,
	HISTORY_FENCE_LOST,
	HISTORY_RETRIES,
	HISTORY_HTTP_REQUESTS,
	HISTORY_HTTP_TIME,
	HISTORY_HTTP_RETRIES,
	HISTORY_POOL_CONNECTIONS,
	HISTORY_POOL_BUSY,
	HISTORY_POOL_WAITING,
	HISTORY_POOL_REFUSED,
	HISTORY_BUILD_INFO,
	HISTORY_METRIC_COUNT
} HistoryMetric;

extern const MetricDefinition history_metrics[HISTORY_METRIC_COUNT];
extern const DaemonRequestMetrics history_request_metrics;
extern const PgPoolMetrics history_pool_metrics;
