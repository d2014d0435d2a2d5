/*
 * metrics.h
 *		Counters, gauges and histograms in Prometheus text format, from one table per program.
 *
 * A metric is known by its index in the table (an enum of the program). Values are 64-bit integers
 * in a fine unit (microseconds, bytes); scale turns them into the unit that is shown (seconds).
 * Any thread may update any metric at any time, without a lock.
 *
 * One label at most, with values fixed in the table; label is an index into them, 0 without one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum MetricType
{
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_INFO, /* always 1; its labels are set once by metric_info_set() */
} MetricType;

#define METRIC_SCALE_US 1000000 /* stored in microseconds, shown in seconds */
#define METRIC_SCALE_MS 1000	/* stored in milliseconds, shown in seconds */

/* The value of a gauge that nobody knows now: shown as NaN, which no rule takes for a number. */
#define METRIC_UNKNOWN INT64_MIN

typedef struct MetricDefinition
{
	const char *name; /* with unit and, for a counter, _total: wallet_bridge_events_total */
	MetricType type;
	const char *help;				 /* one sentence with the unit */
	int64_t scale;					 /* stored units per shown unit; 0: 1 */
	const char *label;				 /* NULL: none */
	const char *const *label_values; /* ends with NULL */
	const int64_t *buckets; /* HISTOGRAM: upper bounds in stored units, ascending, ends with 0;
									  * NULL: metric_latency_buckets_us */
} MetricDefinition;

/* 500 us to 60 s. */
extern const int64_t metric_latency_buckets_us[];

typedef struct Metrics Metrics;

/* definitions must outlive the set. NULL when out of memory. */
Metrics *metrics_new(const MetricDefinition *definitions, size_t count);
void metrics_free(Metrics *metrics);

void metric_add(Metrics *metrics, size_t metric, size_t label, int64_t amount);
void metric_set(Metrics *metrics, size_t metric, size_t label, int64_t value);
void metric_observe(Metrics *metrics, size_t metric, size_t label, int64_t value);

/* Value of a counter or gauge; number of observations of a histogram. */
int64_t metric_get(const Metrics *metrics, size_t metric, size_t label);

/* labels as in 'version="1.0",librdkafka="2.0.2"'; copied; before other threads start. */
void metric_info_set(Metrics *metrics, size_t metric, const char *labels);

/* All of it, with memory, CPU time and descriptors of the process; from malloc(), or NULL. */
char *metrics_render(const Metrics *metrics, size_t *bytes);

/* The table as Markdown: name, type, label, meaning. */
void metrics_markdown_print(const MetricDefinition *definitions, size_t count, FILE *out);
