/*
 * daemon.h
 *		What every daemon does around its own work: log, signals, health, metrics, HTTP, service
 *		manager.
 *
 * Call order in main(): config_load(); daemon_start(); the daemon's own threads; daemon_serve(),
 * which returns when a stop was asked for; join the threads; daemon_stop().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "daemon/health_routes.h"
#include "http/server.h"
#include "observe/log.h"
#include "base/metrics.h"
#include "base/status.h"

/* Embed it in the program's configuration. */
typedef struct DaemonOptions
{
	LogOptions log;
	HttpOptions http;
} DaemonOptions;

#define DAEMON_ROUTES_MAX 64

/* Where requests are counted, each by its index in the program's table of metrics. */
typedef struct DaemonRequestMetrics
{
	size_t requests; /* counter with label values daemon_status_classes */
	size_t duration; /* histogram in microseconds; label: HttpRoute's label, 0: no route */
} DaemonRequestMetrics;

/* "2xx" "3xx" "4xx" "5xx". */
extern const char *const daemon_status_classes[];

typedef struct Daemon
{
	const ConfigSource *source;
	size_t options_offset; /* of the DaemonOptions in the program's configuration */
	Health *health;
	Metrics *metrics;
	HealthEndpoints endpoints;
	HttpRoute routes[DAEMON_ROUTES_MAX];
	const DaemonRequestMetrics *request_metrics;
	HttpServer *server;
} Daemon;

typedef struct DaemonPlan
{
	const ConfigSource *source;
	const DaemonOptions *options;
	size_t options_offset;
	const MetricDefinition *metrics;
	size_t metric_count;
	const HttpRoute *routes; /* beside /health, /live, /metrics; or NULL */
	size_t route_count;
	const DaemonRequestMetrics *request_metrics; /* or NULL */
} DaemonPlan;

/*
 * Starts signals, log, health, metrics and the HTTP server. On OK daemon_stop() must be called.
 * The log says where it listens.
 */
Status daemon_start(Daemon *daemon, const DaemonPlan *plan);

/* For programs that are no daemon, once their log is started: a flag with a secret is warned of. */
void daemon_exposure_warn(const ConfigSource *source);

/*
 * Serves until a stop is requested: re-reads log level and tokens at HUP, feeds the watchdog while
 * all loops are alive, tells the service manager when the daemon is ready for the first time.
 */
void daemon_serve(Daemon *daemon);

void daemon_stop(Daemon *daemon);
