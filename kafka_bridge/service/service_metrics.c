/*
 * service_metrics.c
 *		The table that /metrics and the reference are made from.
 */
#include "service_metrics.h"

#include "routes.h"

static const int64_t batch_sizes[] = {2, 4, 8, 16, 32, 64, 128, 256, 512, 0};
static const char *const pools[] = {"write", "read", NULL};

const MetricDefinition service_metrics[SERVICE_METRIC_COUNT] = {
	[SERVICE_REQUESTS] = {.name = "wallet_service_requests_total",
						  .type = METRIC_COUNTER,
						  .help = "Requests that were answered.",
						  .label = "status",
						  .label_values = daemon_status_classes},
	[SERVICE_REQUEST_TIME] = {.name = "wallet_service_request_seconds",
							  .type = METRIC_HISTOGRAM,
							  .help = "From a request's first line to its answer.",
							  .scale = METRIC_SCALE_US,
							  .label = "endpoint",
							  .label_values = service_route_labels},
	[SERVICE_POOL_CONNECTIONS] = {.name = "wallet_service_pool_connections",
								  .type = METRIC_GAUGE,
								  .help = "Open connections to PostgreSQL.",
								  .label = "pool",
								  .label_values = pools},
	[SERVICE_POOL_BUSY] = {.name = "wallet_service_pool_busy",
						   .type = METRIC_GAUGE,
						   .help = "Connections that work on a request.",
						   .label = "pool",
						   .label_values = pools},
	[SERVICE_POOL_WAITING] = {.name = "wallet_service_pool_waiting",
							  .type = METRIC_GAUGE,
							  .help = "Requests that wait for a connection.",
							  .label = "pool",
							  .label_values = pools},
	[SERVICE_POOL_REFUSED] = {.name = "wallet_service_pool_refused_total",
							  .type = METRIC_COUNTER,
							  .help =
								  "Requests answered 503 without a connection: PostgreSQL gone, "
								  "queue full, waited too long.",
							  .label = "pool",
							  .label_values = pools},
	[SERVICE_RETRIES] = {.name = "wallet_service_retries_total",
						 .type = METRIC_COUNTER,
						 .help = "Calls run again after a deadlock, a serialization failure or a "
								 "timeout."},
	[SERVICE_BATCH_SIZES] = {.name = "wallet_service_batch_transfers",
							 .type = METRIC_HISTOGRAM,
							 .help = "Transfers that went together in one transaction; those that "
									 "went by themselves are not counted.",
							 .buckets = batch_sizes},
	[SERVICE_BATCH_REST] = {.name = "wallet_service_batch_rest_total",
							.type = METRIC_COUNTER,
							.help = "Transfers that a batch refused or could not do: each was then "
									"run by itself."},
	[SERVICE_STREAMS] = {.name = "wallet_service_streams",
						 .type = METRIC_GAUGE,
						 .help = "Clients that follow a wallet's history live."},
	[SERVICE_BUILD_INFO] = {.name = "wallet_service_build_info",
							.type = METRIC_INFO,
							.help = "Version of the program."},
};

const DaemonRequestMetrics service_request_metrics = {SERVICE_REQUESTS, SERVICE_REQUEST_TIME};
const PgPoolMetrics service_write_pool_metrics = {SERVICE_POOL_CONNECTIONS, SERVICE_POOL_BUSY,
												  SERVICE_POOL_WAITING, SERVICE_POOL_REFUSED,
												  SERVICE_POOL_WRITE};
const PgPoolMetrics service_read_pool_metrics = {SERVICE_POOL_CONNECTIONS, SERVICE_POOL_BUSY,
												 SERVICE_POOL_WAITING, SERVICE_POOL_REFUSED,
												 SERVICE_POOL_READ};
