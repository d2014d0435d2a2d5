/*
 * main.c
 *		wallet_bridge: reads the configuration, runs the daemon or one of the sub-commands.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "bridge_metrics.h"
#include "commands.h"
#include "config/print.h"
#include "daemon/daemon.h"
#include "kafka/client.h"
#include "observe/log.h"
#include "options.h"
#include "base/signals.h"

#define LOOP_LIMIT_MS 60000 /* a thread not seen for so long is stuck */

typedef struct Run
{
	BridgePlan plan;
	Status status;
} Run;

static void *
bridge_thread_run(void *argument)
{
	Run *run = argument;

	run->status = bridge_run(&run->plan);
	signals_stop_request();
	return NULL;
}

static Status
daemon_run(const BridgeConfig *config, const ConfigSource *source)
{
	Daemon daemon;
	pthread_t thread;
	char versions[128];
	Status status =
		daemon_start(&daemon, &(DaemonPlan){.source = source,
											.options = &config->daemon,
											.options_offset = offsetof(BridgeConfig, daemon),
											.metrics = bridge_metrics,
											.metric_count = BRIDGE_METRIC_COUNT});

	if (!status_is_ok(&status))
		return status;
	kafka_version_log(&config->kafka);
	snprintf(versions, sizeof(versions), "version=\"%s\",librdkafka=\"%s\"", WALLET_VERSION,
			 rd_kafka_version_str());
	metric_info_set(daemon.metrics, BRIDGE_METRIC_INFO, versions);

	Run run = {
		.plan = {.config = config,
				 .stop_fd = signals_stop_fd(),
				 .health = daemon.health,
				 .metrics = daemon.metrics,
				 .stream_loop = health_loop_add(daemon.health, "stream", LOOP_LIMIT_MS),
				 .outbox_loop = health_loop_add(daemon.health, "outbox", LOOP_LIMIT_MS)},
		.status = status_ok(),
	};

	if (pthread_create(&thread, NULL, bridge_thread_run, &run) != 0)
		run.status = status_bug("could not start the thread that reads the stream");
	else
	{
		daemon_serve(&daemon);
		pthread_join(thread, NULL);
	}
	daemon_stop(&daemon);
	return run.status;
}

typedef struct Command
{
	const char *name;
	Status (*run)(const BridgeConfig *config, int stop_fd);
} Command;

static const Command commands[] = {
	{"status", command_status},
	{"verify", command_verify},
	{"backfill", command_backfill},
	{"dead-letters list", command_dead_letters_list},
	{"dead-letters replay", command_dead_letters_replay},
	{"slot create", command_slot_create},
	{"slot drop", command_slot_drop},
	{"progress show", command_progress_show},
	{"progress set", command_progress_set},
};

static Status
command_run(const BridgeConfig *config, const ConfigSource *source)
{
	log_start(bridge_program.name, &config->daemon.log);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(source->command->name, commands[i].name) == 0)
		{
			Status status = signals_start();

			daemon_exposure_warn(source);
			return status_is_ok(&status) ? commands[i].run(config, signals_stop_fd()) : status;
		}
	return daemon_run(config, source);
}

int
main(int argc, char **argv)
{
	BridgeConfig config;
	ConfigSource source;
	Status status = config_load(&bridge_program, argc, argv, &config, &source);

	if (!status_is_ok(&status))
	{
		config_refusal_print(&source, &status);
		return (int) status.exit_code;
	}
	if (!source.answered)
		status = command_run(&config, &source);
	if (!status_is_ok(&status))
	{
		log_status(LOG_LEVEL_ERROR, "ended", &status);
		if (status.exit_code == EXIT_CODE_USAGE)
			config_usage_print(&bridge_program, source.command, stderr);
	}
	else if (!source.answered && strcmp(source.command->name, "run") == 0)
		log_info("stopped");
	config_free(&bridge_program, &config);
	return (int) status.exit_code;
}
