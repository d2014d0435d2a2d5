/*
 * consumer_report.c
 *		Whether the history is ready must not be known late: claims and pauses show at once.
 */
#include "consumer_report.h"

#include "base/clock.h"
#include "history_metrics.h"
#include "observe/log.h"

#define REPORT_INTERVAL_MS 500
#define WARN_INTERVAL_MS   30000

/* What was counted longer ago says nothing of now. */
#define COUNT_AGE_MAX_MS 10000

/* Of this process's partitions; unknown as long as one of them is. */
static void
lag_events_report(const ConsumerReport *report, const Membership *membership)
{
	int64_t lag = 0;

	for (size_t i = 0; i < membership->table.count && lag >= 0; i++)
	{
		int64_t behind = membership_partition_lag(membership, &membership->table.partitions[i]);

		lag = behind < 0 ? -1 : lag + behind;
	}
	metric_set(report->metrics, HISTORY_LAG_EVENTS, 0, lag < 0 ? METRIC_UNKNOWN : lag);
	if (lag < 0)
		health_fact_set(report->health, "lag_events", "unknown");
	else
		health_number_set(report->health, "lag_events", lag);
}

/* Of the whole history, as the database tells it; as it was a moment ago. */
static void
lag_time_report(const ConsumerReport *report, int64_t now_ms)
{
	int64_t age_ms = now_ms - report->counted_at_ms;
	int64_t lag_us = report->lag_us;

	if (report->counted_at_ms == 0 || !report->lag_is_known || age_ms > COUNT_AGE_MAX_MS)
	{
		metric_set(report->metrics, HISTORY_LAG_TIME, 0, METRIC_UNKNOWN);
		health_fact_set(report->health, "lag_seconds", "unknown");
		return;
	}
	metric_set(report->metrics, HISTORY_LAG_TIME, 0, lag_us);
	health_number_set(report->health, "lag_seconds", lag_us / 1000000);
}

static void
partitions_report(const ConsumerReport *report, const Membership *membership, size_t claiming)
{
	size_t halted = partition_table_count(&membership->table, PARTITION_HALTED);

	metric_set(report->metrics, HISTORY_PARTITIONS, 0, (int64_t) membership->table.count);
	metric_set(report->metrics, HISTORY_PARTITIONS_HALTED, 0, (int64_t) halted);
	health_number_set(report->health, "partitions", (int64_t) membership->table.count);
	if (halted > 0)
		health_check_set(report->health, "partitions", false, "%zu stopped at a gap or conflict",
						 halted);
	else if (subscriber_topic_is_missing(membership->subscriber))
		health_check_set(report->health, "partitions", false, "topic %s does not exist",
						 report->topic);
	else if (membership->state == MEMBERSHIP_OUTSIDE)
		health_check_set(report->health, "partitions", false,
						 "not in the consumer group while nothing can be applied");
	else if (!membership->was_member)
		health_check_set(report->health, "partitions", false, "joining the consumer group");
	else
		health_check_set(report->health, "partitions", claiming == 0, "%s",
						 claiming == 0 ? "" : "waiting for positions in PostgreSQL");
}

void
consumer_report_state(ConsumerReport *report, const Membership *membership, const Flow *flow,
					  int64_t now_ms)
{
	size_t claiming = partition_table_count(&membership->table, PARTITION_CLAIMING);
	size_t reading = partition_table_count(&membership->table, PARTITION_READING);
	bool connected = subscriber_is_connected(membership->subscriber);

	if (now_ms - report->reported_at_ms < REPORT_INTERVAL_MS &&
		claiming == report->reported_claims && flow->state == report->reported_flow)
		return;
	report->reported_at_ms = now_ms;
	report->reported_claims = claiming;
	report->reported_flow = flow->state;
	lag_events_report(report, membership);
	lag_time_report(report, now_ms);
	partitions_report(report, membership, claiming);
	metric_set(report->metrics, HISTORY_PARTITIONS_PAUSED, 0,
			   flow->state == FLOW_PAUSED ? (int64_t) reading : 0);
	health_check_set(report->health, "kafka", connected, "%s",
					 connected ? "" : "no broker is connected");
	metric_set(report->metrics, HISTORY_READY, 0, health_is_ready(report->health) ? 1 : 0);
}

void
consumer_report_rebalance(const ConsumerReport *report, RebalanceKind kind,
						  const int32_t *partitions, size_t count)
{
	static const char *const said[] = {[REBALANCE_CAME] = "partitions came",
									   [REBALANCE_WENT] = "partitions go",
									   [REBALANCE_LOST] = "partitions lost"};

	metric_add(report->metrics, HISTORY_REBALANCES, kind, 1);
	log_info(said[kind], log_integer("count", (int64_t) count),
			 log_integer("first", count > 0 ? partitions[0] : -1));
}

void
consumer_report_task(const ConsumerReport *report, const ApplyTask *task)
{
	if (task->kind != APPLY_TASK_BATCH)
		return;
	metric_add(report->metrics, HISTORY_DEAD_LETTERS, 0, (int64_t) task->dead_letters);
	if (task->dead_letters > 0)
		log_warning("dead letters sent", log_integer("count", (int64_t) task->dead_letters),
					log_text("topic", report->dead_letter_topic));
	if (status_is_ok(&task->status) && task->report.outcome == APPLY_FENCED)
		metric_add(report->metrics, HISTORY_FENCE_LOST, 0, 1);
}

static void
latency_observe(const ConsumerReport *report, const ApplyTask *task)
{
	int64_t now_us = clock_wall_us();

	/* Copies would be counted twice, and late. */
	if (task->report.duplicates + task->report.conflicts > 0)
		return;
	for (size_t i = 0; i < task->batch->count; i++)
	{
		const BatchRecord *record = &task->batch->records[i];

		if (record->fault == NULL)
			metric_observe(report->metrics, HISTORY_COMMIT_TO_HISTORY, 0,
						   now_us > record->created_at_us ? now_us - record->created_at_us : 0);
	}
}

static void
irregularities_log(const ApplyReport *found)
{
	if (found->gaps > 0)
		log_warning("versions are missing: gaps recorded", log_integer("gaps", found->gaps));
	if (found->conflicts > 0)
		log_warning("events contradict stored ones: conflicts recorded",
					log_integer("conflicts", found->conflicts));
	if (found->filled > 0)
		log_info("missing versions came late", log_integer("filled", found->filled));
}

void
consumer_report_applied(const ConsumerReport *report, const ApplyTask *task)
{
	const ApplyReport *found = &task->report;

	latency_observe(report, task);
	metric_add(report->metrics, HISTORY_APPLIED, 0, found->applied);
	metric_add(report->metrics, HISTORY_DUPLICATES, 0, found->duplicates);
	metric_add(report->metrics, HISTORY_FILLED, 0, found->filled);
	metric_add(report->metrics, HISTORY_GAPS_FOUND, 0, found->gaps);
	metric_add(report->metrics, HISTORY_CONFLICTS_FOUND, 0, found->conflicts);
	metric_observe(report->metrics, HISTORY_BATCH_TIME, 0, task->duration_us);
	irregularities_log(found);
}

void
consumer_report_counted(ConsumerReport *report, const ApplyTask *task, int64_t now_ms)
{
	const HistoryCounts *counts = &task->counts;

	report->counted_at_ms = now_ms;
	report->lag_is_known = counts->lag_is_known;
	report->lag_us = counts->lag_us;
	metric_set(report->metrics, HISTORY_GAPS, 0, counts->gaps);
	metric_set(report->metrics, HISTORY_CONFLICTS, 0, counts->conflicts);
	metric_set(report->metrics, HISTORY_DEAD_LETTERS_RECORDED, 0, counts->dead_letters);
	metric_set(report->metrics, HISTORY_FOREIGN_RECORDS, 0, counts->foreign_records);
	health_number_set(report->health, "gaps", counts->gaps);
	health_number_set(report->health, "conflicts", counts->conflicts);
	health_number_set(report->health, "dead_letters", counts->dead_letters);
	health_number_set(report->health, "foreign_records", counts->foreign_records);
}

/* The same trouble, tried again every few seconds, is not worth a record each time. */
void
consumer_report_trouble(ConsumerReport *report, const Status *status, bool is_first, int64_t now_ms)
{
	metric_add(report->metrics, HISTORY_RETRIES, 0, 1);
	if (is_first || now_ms - report->warned_at_ms >= WARN_INTERVAL_MS)
	{
		log_status(LOG_LEVEL_WARNING, "will try again", status);
		report->warned_at_ms = now_ms;
	}
	health_check_set(report->health, "history", false, "%s", status->text);
}

void
consumer_report_success(const ConsumerReport *report, bool was_troubled)
{
	if (was_troubled)
		log_info("works again");
	health_check_set(report->health, "history", true, "%s", "");
}
