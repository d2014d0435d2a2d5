/*
 * health_routes.h
 *		The endpoints that every daemon has: /health, /live and /metrics.
 */
#pragma once

#include "base/metrics.h"
#include "http/route.h"
#include "observe/health.h"

#define HEALTH_ROUTE_COUNT 3

typedef struct HealthEndpoints
{
	Health *health;
	Metrics *metrics;
} HealthEndpoints;

/* Fills the three routes; endpoints must outlive the server. */
void health_routes_fill(HttpRoute routes[HEALTH_ROUTE_COUNT], HealthEndpoints *endpoints);
