/*
 * service_metrics.h
 *		Every metric of wallet_service, as the table in service_metrics.c documents it.
 */
#pragma once

#include "daemon/daemon.h"
#include "base/metrics.h"
#include "postgres/pool.h"

typedef enum ServiceMetric
{
	SERVICE_REQUESTS,
	SERVICE_REQUEST_TIME,
	SERVICE_POOL_CONNECTIONS,
	SERVICE_POOL_BUSY,
	SERVICE_POOL_WAITING,
	SERVICE_POOL_REFUSED,
	SERVICE_RETRIES,
	SERVICE_BATCH_SIZES,
	SERVICE_BATCH_REST,
	SERVICE_STREAMS,
	SERVICE_BUILD_INFO,
	SERVICE_METRIC_COUNT
} ServiceMetric;

typedef enum ServicePool
{
	SERVICE_POOL_WRITE,
	SERVICE_POOL_READ,
} ServicePool;

extern const MetricDefinition service_metrics[SERVICE_METRIC_COUNT];
extern const DaemonRequestMetrics service_request_metrics;
extern const PgPoolMetrics service_write_pool_metrics;
extern const PgPoolMetrics service_read_pool_metrics;
