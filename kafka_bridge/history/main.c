/*
 * main.c
 *		wallet_history: the daemon, and the rebuild.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "consumer.h"
#include "daemon/daemon.h"
#include "history_config.h"
#include "history_metrics.h"
#include "http_reads.h"
#include "config/print.h"
#include "observe/log.h"
#include "rebuild.h"
#include "base/signals.h"

typedef struct ConsumerThread
{
	Consumer *consumer;
	Status end;
} ConsumerThread;

static void *
consumer_main(void *argument)
{
	ConsumerThread *thread = argument;

	thread->end = consumer_run(thread->consumer);
	/* The main thread serves until it is told to stop. */
	signals_stop_request();
	return NULL;
}

/* Consumes in a thread of its own until a stop is requested or going on makes no sense. */
static Status
consumer_work(const HistoryConfig *config, Daemon *daemon)
{
	ConsumerThread work = {.end = status_ok()};
	pthread_t thread;
	Status status = consumer_new(config, daemon, &work.consumer);

	if (!status_is_ok(&status))
		return status;
	if (pthread_create(&thread, NULL, consumer_main, &work) != 0)
		work.end = status_bug("no thread can be started");
	else
	{
		daemon_serve(daemon);
		pthread_join(thread, NULL);
	}
	consumer_free(work.consumer);
	return work.end;
}

static Status
daemon_work(const HistoryConfig *config, const ConfigSource *source, HttpReads *reads)
{
	DaemonPlan plan = {
		.source = source,
		.options = &config->daemon,
		.options_offset = offsetof(HistoryConfig, daemon),
		.metrics = history_metrics,
		.metric_count = HISTORY_METRIC_COUNT,
		.request_metrics = &history_request_metrics,
	};
	Daemon daemon;
	char labels[128];

	plan.routes = http_reads_routes(reads, &plan.route_count);

	Status status = daemon_start(&daemon, &plan);

	if (!status_is_ok(&status))
		return status;
	kafka_version_log(&config->kafka);
	snprintf(labels, sizeof(labels), "version=\"%s\",librdkafka=\"%s\"", WALLET_VERSION,
			 rd_kafka_version_str());
	metric_info_set(daemon.metrics, HISTORY_BUILD_INFO, labels);
	status = http_reads_start(reads, &daemon);
	if (status_is_ok(&status))
		status = consumer_work(config, &daemon);
	http_reads_stop(reads, &daemon);
	daemon_stop(&daemon);
	return status;
}

static Status
daemon_run(const HistoryConfig *config, const ConfigSource *source)
{
	HttpReads *reads = http_reads_new(config);

	if (reads == NULL)
		return status_bug("out of memory");

	Status status = daemon_work(config, source, reads);

	http_reads_free(reads);
	return status;
}

int
main(int argc, char **argv)
{
	HistoryConfig config;
	ConfigSource source;
	Status status = config_load(&history_program, argc, argv, &config, &source);

	if (!status_is_ok(&status))
	{
		config_refusal_print(&source, &status);
		return status.exit_code;
	}
	if (!source.answered)
		status = history_command_is_rebuild(source.command) ? rebuild_run(&config)
															: daemon_run(&config, &source);
	if (status_is_ok(&status))
		log_debug("ended");
	else
		log_status(LOG_LEVEL_ERROR, "ended", &status);
	config_free(&history_program, &config);
	return status.exit_code;
}
