/*
 * health.h
 *		What /health, /live and /metrics answer, the same in every daemon.
 *
 * ready	every check passes: /health 200, else 503; the JSON names each check and its reason
 * alive	every loop was seen within its limit: /live 200, else 503; also feeds the watchdog
 * fact		a name and value shown beside the checks (role, positions)
 *
 * Any thread may call anything but health_loop_add() at any time; one mutex inside guards all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_route.h"
#include "metrics.h"

#define HEALTH_CHECKS_MAX 16
#define HEALTH_FACTS_MAX  16
#define HEALTH_LOOPS_MAX  8

typedef struct Health Health;

/* program is kept, not copied. NULL when out of memory. */
Health *health_new(const char *program);
void health_free(Health *health);

/* Sets a check; the first call adds it. The reason (may be "") is cut to 256 bytes. */
void health_check_set(Health *health, const char *check, bool passes, const char *reason_format,
					  ...) __attribute__((format(printf, 4, 5)));
/* Sets a fact; the first call adds it. */
void health_fact_set(Health *health, const char *fact, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Before the loop's thread starts. Returns its number for health_loop_beat(). */
size_t health_loop_add(Health *health, const char *loop, int64_t limit_ms);
void health_loop_beat(Health *health, size_t loop);
/* Until its next beat the loop counts as alive: it is not running, or waits on purpose. */
void health_loop_rest(Health *health, size_t loop);

/* Not ready without any check. */
bool health_is_ready(Health *health);
bool health_is_alive(Health *health);

/* JSON from malloc(), or NULL. */
char *health_render(Health *health, size_t *bytes, bool *ready);

#define HEALTH_ROUTE_COUNT 3

typedef struct HealthEndpoints
{
	Health *health;
	Metrics *metrics;
} HealthEndpoints;

/* Fills the three routes; endpoints must outlive the server. */
void health_routes_fill(HttpRoute routes[HEALTH_ROUTE_COUNT], HealthEndpoints *endpoints);
