/*
 * process.c
 *		The bridges: started, asked to stop, killed, and started again by a supervisor.
 *
 * Nothing that a run does may end one for good: its exit with anything but success is a violation.
 */
#include "process.h"

#include <stdio.h>

#include "bridge.h"
#include "bridge_metrics.h"
#include "client.h"
#include "scheduler.h"
#include "server.h"
#include "startup_check.h"
#include "substitutes.h"

#define LOOP_LIMIT_MS	 60000
#define RESTART_US		 500000
#define DRAIN_TIMEOUT_MS 3000

typedef struct Process
{
	bool runs;
	int stop_fd;
	int incarnation;
} Process;

static Process processes[PROCESSES_MAX];
static int process_count;
static BridgeConfig config;

static char *
setting(const char *text)
{
	return (char *) (uintptr_t) text;
}

static void
config_draw(void)
{
	config = (BridgeConfig){
		.pg = {.url = setting("host=localhost"),
			   .connect_timeout_ms = 10000,
			   .tcp_user_timeout_ms = 15000},
		.kafka = {.brokers = setting("localhost"), .topic = setting(EVENT_TOPIC)},
		.bridge = {.slot = setting("wallet_bridge"),
				   .progress_topic = setting(PROGRESS_TOPIC),
				   .delivery = DELIVERY_IDEMPOTENT,
				   .start = START_NOW,
				   .partitions = EVENT_PARTITIONS,
				   .replication = 1,
				   .topic_interval_ms = 30000,
				   .in_flight_bytes = once_in(3) ? 65536 : 1048576,
				   .in_flight_transactions = 4 + (int64_t) chance(12),
				   .progress_interval_ms = 10 + (int64_t) chance(1000),
				   .drain_timeout_ms = DRAIN_TIMEOUT_MS,
				   .standby_interval_ms = 100 + (int64_t) chance(1000)},
	};
}

static void process_start_due(void *context, int64_t number);

static void *
bridge_main(void *argument)
{
	Process *process = argument;
	Health *health = health_new("wallet_bridge");
	BridgePlan plan = {
		.config = &config,
		.stop_fd = descriptor_event_new(),
		.health = health,
		.metrics = metrics_new(bridge_metrics, BRIDGE_METRIC_COUNT),
		.stream_loop = health_loop_add(health, "stream", LOOP_LIMIT_MS),
		.outbox_loop = health_loop_add(health, "outbox", LOOP_LIMIT_MS),
	};

	process->stop_fd = plan.stop_fd;

	Status status = bridge_run(&plan);

	trace("bridge ends: %s", status_is_ok(&status) ? "stopped" : status.text);
	if (!status_is_ok(&status))
		violation("INV-7", "a bridge ended with %d, for good: %s", (int) status.exit_code,
				  status.text);
	process->runs = false;
	event_add((int64_t) chance(RESTART_US), process_start_due, NULL, process - processes);
	return NULL;
}

static void
process_start_due(void *context, int64_t number)
{
	Process *process = &processes[number];

	(void) context;
	if (process->runs)
		return;
	process->runs = true;
	process->stop_fd = -1;
	trace("bridge %d starts", (int) number);
	thread_start((int) number, bridge_main, process);
}

void
processes_begin(int count)
{
	process_count = count;
	config_draw();
	for (int i = 0; i < count; i++)
	{
		processes[i] = (Process){.stop_fd = -1};
		event_add((int64_t) chance(2000), process_start_due, NULL, i);
	}
}

void
process_crash(void)
{
	int number = (int) chance((uint64_t) process_count);

	if (!processes[number].runs)
		return;
	trace("bridge %d is killed", number);
	processes[number].runs = false;
	process_kill(number);
	server_process_died(number);
	producers_process_died(number);
	event_add((int64_t) chance(RESTART_US), process_start_due, NULL, number);
}

void
process_freeze(void)
{
	int number = (int) chance((uint64_t) process_count);
	int64_t duration_us = 1 + (int64_t) chance(once_in(2) ? 6000000 : 300000);

	if (!processes[number].runs)
		return;
	trace("bridge %d stands still for %d ms", number, (int) (duration_us / 1000));
	process_stall(number, duration_us);
	server_process_stalled(number, duration_us);
}

void
process_ask_to_stop(void)
{
	int number = (int) chance((uint64_t) process_count);

	if (!processes[number].runs)
		return;
	trace("bridge %d is asked to stop", number);
	descriptor_signal(processes[number].stop_fd);
}

void
__wrap_log_record_write(LogLevel level, const char *message, const LogField *fields)
{
	char text[1024] = "";
	size_t bytes = 0;

	(void) level;
	for (; trace_is_on() && fields[1].type != LOG_FIELD_NONE; fields++)
		if (fields[1].type == LOG_FIELD_TEXT)
			bytes += (size_t) snprintf(text + bytes, sizeof(text) - bytes, " %s=%.200s",
									   fields[1].name, fields[1].text);
		else if (fields[1].type == LOG_FIELD_INTEGER || fields[1].type == LOG_FIELD_LSN)
			bytes += (size_t) snprintf(text + bytes, sizeof(text) - bytes, " %s=%llX",
									   fields[1].name, (unsigned long long) fields[1].lsn);
	trace("log: %s%s", message, text);
}

void
__wrap_log_status(LogLevel level, const char *message, const Status *status)
{
	(void) level;
	trace("log: %s: %s", message, status->text);
}
