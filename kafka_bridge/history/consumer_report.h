/*
 * consumer_report.h
 *		The consumer as health checks, facts and metrics. Reads the machines and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apply_worker.h"
#include "flow.h"
#include "observe/health.h"
#include "membership.h"
#include "base/metrics.h"

typedef enum RebalanceKind
{
	REBALANCE_CAME,
	REBALANCE_WENT,
	REBALANCE_LOST
} RebalanceKind;

typedef struct ConsumerReport
{
	Health *health;
	Metrics *metrics;
	const char *topic;
	const char *dead_letter_topic;
	int64_t reported_at_ms;
	size_t reported_claims; /* partitions without a position when the last report was made */
	FlowState reported_flow;
	int64_t warned_at_ms;
	int64_t counted_at_ms; /* 0: never */
	bool lag_is_known;	   /* when it was counted */
	int64_t lag_us;
} ConsumerReport;

/* Gauges, facts and checks from the present state: twice a second, and when it matters at once. */
void consumer_report_state(ConsumerReport *report, const Membership *membership, const Flow *flow,
						   int64_t now_ms);

void consumer_report_rebalance(const ConsumerReport *report, RebalanceKind kind,
							   const int32_t *partitions, size_t count);

/* A finished task of whatever outcome; one that was applied; one that counted. */
void consumer_report_task(const ConsumerReport *report, const ApplyTask *task);
void consumer_report_applied(const ConsumerReport *report, const ApplyTask *task);
void consumer_report_counted(ConsumerReport *report, const ApplyTask *task, int64_t now_ms);

/* A task failed and will be tried again; is_first: the one before did not. One succeeded. */
void consumer_report_trouble(ConsumerReport *report, const Status *status, bool is_first,
							 int64_t now_ms);
void consumer_report_success(const ConsumerReport *report, bool was_troubled);
