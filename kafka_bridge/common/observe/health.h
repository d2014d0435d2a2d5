/*
 * health.h
 *		Whether a daemon is ready and alive: the state that /health and /live answer from.
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

#define HEALTH_NAME_BYTES 64
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

void health_number_set(Health *health, const char *fact, int64_t number);

/* Before the loop's thread starts. Returns its number for health_loop_beat(). */
size_t health_loop_add(Health *health, const char *loop, int64_t limit_ms);
void health_loop_beat(Health *health, size_t loop);
/* Until its next beat the loop counts as alive: it is not running, or waits on purpose. */
void health_loop_rest(Health *health, size_t loop);

/* Not ready without any check. */
bool health_is_ready(Health *health);
/* Otherwise stuck (may be NULL) gets the name of a loop that is. */
bool health_is_alive(Health *health, char stuck[HEALTH_NAME_BYTES]);

/* JSON from malloc(), or NULL. */
char *health_render(Health *health, size_t *bytes, bool *ready);
