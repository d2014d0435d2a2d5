/*
 * daemon.c
 *		The main thread of a daemon: it does no work of its own, so that it always answers signals
 *		and the watchdog.
 */
#include "daemon/daemon.h"

#include <assert.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/sd_notify.h"
#include "base/signals.h"
#include "base/wait.h"

#define TICK_MS 1000

const char *const daemon_status_classes[] = {"2xx", "3xx", "4xx", "5xx", NULL};

static void
routes_fill(Daemon *daemon, const DaemonPlan *plan)
{
	assert(HEALTH_ROUTE_COUNT + plan->route_count <= DAEMON_ROUTES_MAX);
	health_routes_fill(daemon->routes, &daemon->endpoints);
	for (size_t i = 0; i < plan->route_count; i++)
		daemon->routes[HEALTH_ROUTE_COUNT + i] = plan->routes[i];
}

static void
request_observe(size_t label, unsigned status, int64_t duration_us, void *context)
{
	const Daemon *daemon = context;
	const DaemonRequestMetrics *request_metrics = daemon->request_metrics;

	metric_add(daemon->metrics, request_metrics->requests, status / 100 - 2, 1);
	metric_observe(daemon->metrics, request_metrics->duration, label, duration_us);
}

/*
 * What a large answer took goes back to the system at its end: else the threads' arenas keep it,
 * and glibc raises the bound from which it would, with each one that it sees.
 */
static void
memory_settle(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);
}

void
daemon_exposure_warn(const ConfigSource *source)
{
	if (source->exposed_flag != NULL)
		log_warning("a secret stands in a flag, where every user of the machine can read it: put "
					"it into the variable, or into a file",
					log_text("flag", source->exposed_flag));
}

Status
daemon_start(Daemon *daemon, const DaemonPlan *plan)
{
	const char *program = plan->source->program->name;

	memory_settle();
	*daemon = (Daemon){.source = plan->source, .options_offset = plan->options_offset};
	log_start(program, &plan->options->log);
	daemon_exposure_warn(plan->source);

	Status status = signals_start();

	if (!status_is_ok(&status))
		return status;
	daemon->health = health_new(program);
	daemon->metrics = metrics_new(plan->metrics, plan->metric_count);
	if (daemon->health == NULL || daemon->metrics == NULL)
	{
		daemon_stop(daemon);
		return status_bug("out of memory");
	}
	daemon->endpoints = (HealthEndpoints){daemon->health, daemon->metrics};
	routes_fill(daemon, plan);
	daemon->request_metrics = plan->request_metrics;

	const HttpPlan http_plan = {
		.routes = daemon->routes,
		.route_count = HEALTH_ROUTE_COUNT + plan->route_count,
		.observer = plan->request_metrics != NULL ? request_observe : NULL,
		.observer_context = daemon,
	};

	status = http_server_start(&plan->options->http, &http_plan, &daemon->server);
	if (!status_is_ok(&status))
	{
		daemon_stop(daemon);
		return status;
	}
	log_info("started", log_text("version", WALLET_VERSION),
			 log_text("listen_address", plan->options->http.listen_address),
			 log_integer("port", http_server_port(daemon->server)));
	return status;
}

/* Only log level and tokens change while a daemon runs; everything else needs a restart. */
static void
daemon_reload(const Daemon *daemon)
{
	const ConfigProgram *program = daemon->source->program;
	void *config = calloc(1, program->config_bytes);
	Status status =
		config != NULL ? config_reload(daemon->source, config) : status_bug("out of memory");

	if (!status_is_ok(&status))
		log_status(LOG_LEVEL_ERROR, "configuration not reloaded", &status);
	else
	{
		const DaemonOptions *options =
			(const DaemonOptions *) (const void *) ((const char *) config + daemon->options_offset);

		log_level_set((LogLevel) options->log.level);
		log_info("log level reloaded",
				 log_text("to", log_level_name((LogLevel) options->log.level)));
		status = http_server_tokens_set(daemon->server, &options->http);
		if (!status_is_ok(&status))
			log_status(LOG_LEVEL_ERROR, "tokens not reloaded", &status);
		config_free(program, config);
	}
	free(config);
}

/* One line when readiness changes; READY=1 the first time. */
static void
daemon_readiness_report(Daemon *daemon, bool *was_ready, bool *was_ever_ready)
{
	bool ready = health_is_ready(daemon->health);

	if (ready == *was_ready)
		return;
	*was_ready = ready;
	sd_notify_status(ready ? "ready" : "not ready: see /health");
	if (ready && !*was_ever_ready)
	{
		*was_ever_ready = true;
		sd_notify_ready();
	}
}

static int64_t
tick_ms(int64_t watchdog_ms)
{
	return watchdog_ms > 0 && watchdog_ms < TICK_MS ? watchdog_ms : TICK_MS;
}

void
daemon_serve(Daemon *daemon)
{
	int64_t watchdog_ms = sd_notify_watchdog_ms();
	int64_t fed_ms = 0;
	bool was_ready = false;
	bool was_ever_ready = false;

	while (!signals_stop_requested())
	{
		Wait wait = wait_begin(signals_stop_fd(), tick_ms(watchdog_ms));

		wait_for_fd(&wait, signals_reload_fd(), POLLIN);
		if (signals_reload_take())
			daemon_reload(daemon);
		daemon_readiness_report(daemon, &was_ready, &was_ever_ready);
		if (watchdog_ms > 0 && clock_monotonic_ms() - fed_ms >= watchdog_ms / 2 &&
			health_is_alive(daemon->health, NULL))
		{
			sd_notify_watchdog();
			fed_ms = clock_monotonic_ms();
		}
	}
	sd_notify_stopping();
	log_info("stopping");
}

void
daemon_stop(Daemon *daemon)
{
	http_server_stop(&daemon->server);
	metrics_free(daemon->metrics);
	health_free(daemon->health);
	daemon->metrics = NULL;
	daemon->health = NULL;
}
