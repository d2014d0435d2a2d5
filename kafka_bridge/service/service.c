/*
 * service.c
 *		Routes, pools and the daemon around them.
 *
 * Stopping: no new connections; requests that are being worked on get their answers; streams end;
 * the pools close; the HTTP server stops.
 */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/daemon.h"
#include "endpoint/endpoint.h"
#include "live.h"
#include "observe/log.h"
#include "routes.h"
#include "service_files.h"
#include "service_metrics.h"

#define BODY_BYTES_MAX (1024 * 1024)
#define HTTP_THREADS   2
#define FILES_MAX	   32
#define ROUTES_MAX	   (SERVICE_ENDPOINT_COUNT + FILES_MAX + 1)

typedef struct Service
{
	const ServiceConfig *config;
	DaemonOptions daemon_options;
	PgOptions read_pg;
	PgPoolPlan write_plan;
	PgPoolPlan read_plan;
	PgPool *write_pool;
	PgPool *read_pool; /* the same where there is one server */
	Live *live;
	EndpointPools pools;
	EndpointBinding bindings[SERVICE_ENDPOINT_COUNT];
	HttpRoute routes[ROUTES_MAX];
	size_t route_count;
	Daemon daemon;
} Service;

static void
plans_fill(Service *service)
{
	const ServiceConfig *config = service->config;

	service->daemon_options = config->daemon;
	service->daemon_options.http.body_bytes_max = BODY_BYTES_MAX;
	service->daemon_options.http.thread_count = HTTP_THREADS;
	service->read_pg = config->pg;
	if (config->service.read_url != NULL)
		service->read_pg.url = config->service.read_url;
	service->write_plan = (PgPoolPlan){
		.name = "postgresql",
		.application_name = "wallet_service",
		.pg = &config->pg,
		.options = &config->pool,
		.must_write = true,
		.batch_max = (size_t) config->service.batch_max,
		.lanes_max = (size_t) config->service.batch_lanes,
	};
	service->read_plan = (PgPoolPlan){
		.name = "postgresql_read",
		.application_name = "wallet_service",
		.pg = &service->read_pg,
		.options = &config->pool,
	};
}

static void
routes_fill(Service *service)
{
	HttpRoute *routes = service->routes;

	endpoint_routes_fill(service_endpoints, SERVICE_ENDPOINT_COUNT, &service->pools,
						 service->bindings, routes, SERVICE_LABEL_ENDPOINTS);
	service->route_count = SERVICE_ENDPOINT_COUNT;
	routes[service->route_count++] = live_route(service->live, SERVICE_LABEL_LIVE);
	service->route_count += static_files_routes_fill(service_files, routes + service->route_count,
													 ROUTES_MAX - service->route_count);
}

static Status
parts_make(Service *service)
{
	plans_fill(service);
	service->write_pool = pg_pool_new(&service->write_plan);
	service->read_pool = service->config->service.read_url != NULL
							 ? pg_pool_new(&service->read_plan)
							 : service->write_pool;
	if (service->write_pool == NULL || service->read_pool == NULL)
		return status_bug("out of memory");
	service->live = live_new(&service->read_plan, service->read_pool,
							 service->config->service.client_streams_max);
	if (service->live == NULL)
		return status_bug("out of memory");
	service->pools = (EndpointPools){.write = service->write_pool,
									 .read = service->read_pool,
									 .application_name = service->write_plan.application_name,
									 .retries = SERVICE_RETRIES,
									 .batch_sizes = SERVICE_BATCH_SIZES,
									 .batch_rest = SERVICE_BATCH_REST};
	routes_fill(service);
	return status_ok();
}

/* The parts begin their work once they have the daemon's health and metrics. */
static Status
parts_start(Service *service)
{
	Daemon *daemon = &service->daemon;
	Status status = pg_pool_start(service->write_pool, daemon->health, daemon->metrics,
								  &service_write_pool_metrics);

	if (status_is_ok(&status) && service->read_pool != service->write_pool)
		status = pg_pool_start(service->read_pool, daemon->health, daemon->metrics,
							   &service_read_pool_metrics);
	if (status_is_ok(&status))
		status = live_start(service->live, daemon->metrics);
	return status;
}

static void
parts_stop(Service *service)
{
	if (!http_server_drain(service->daemon.server, service->config->service.drain_timeout_ms))
		log_warning("requests are broken off: DRAIN_TIMEOUT is over");
	live_stop(service->live);
	pg_pool_stop(service->write_pool);
	if (service->read_pool != service->write_pool)
		pg_pool_stop(service->read_pool);
}

static void
parts_free(Service *service)
{
	live_free(service->live);
	if (service->read_pool != service->write_pool)
		pg_pool_free(service->read_pool);
	pg_pool_free(service->write_pool);
}

static Status
daemon_begin(Service *service, const ConfigSource *source)
{
	const DaemonPlan plan = {
		.source = source,
		.options = &service->daemon_options,
		.options_offset = offsetof(ServiceConfig, daemon),
		.metrics = service_metrics,
		.metric_count = SERVICE_METRIC_COUNT,
		.routes = service->routes,
		.route_count = service->route_count,
		.request_metrics = &service_request_metrics,
	};
	char labels[64];

	Status status = daemon_start(&service->daemon, &plan);

	if (!status_is_ok(&status))
		return status;
	snprintf(labels, sizeof(labels), "version=\"%s\"", WALLET_VERSION);
	metric_info_set(service->daemon.metrics, SERVICE_BUILD_INFO, labels);
	service->pools.metrics = service->daemon.metrics;
	return status;
}

Status
service_run(const ServiceConfig *config, const ConfigSource *source)
{
	Service *service = calloc(1, sizeof(Service));

	if (service == NULL)
		return status_bug("out of memory");
	service->config = config;

	Status status = parts_make(service);

	if (status_is_ok(&status))
		status = daemon_begin(service, source);
	if (status_is_ok(&status))
	{
		status = parts_start(service);
		if (status_is_ok(&status))
			daemon_serve(&service->daemon);
		parts_stop(service);
		daemon_stop(&service->daemon);
	}
	parts_free(service);
	free(service);
	return status;
}
