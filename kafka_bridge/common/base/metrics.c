/*
 * metrics.c
 *		Values as 64-bit atomics, laid out once; rendering reads them one by one.
 *
 * A scrape is not a snapshot: each value is exact, but a histogram may be read between its bucket
 * and its sum. Its count is therefore made from the buckets it shows.
 */
#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/process_metrics.h"

typedef _Atomic int64_t MetricValue;

/* One metric: label by label its values; a histogram has buckets, the one beyond, and the sum. */
typedef struct MetricSeries
{
	const MetricDefinition *definition;
	const int64_t *buckets;
	size_t bucket_count;
	size_t label_count;
	size_t values_per_label;
	MetricValue *values;
	char *info_labels;
} MetricSeries;

struct Metrics
{
	size_t count;
	MetricSeries series[];
};

const int64_t metric_latency_buckets_us[] = {
	500,	1000,	 2500,	  5000,	   10000,	 25000,	   50000,	 100000, 250000,
	500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 0,
};

static size_t
label_values_count(const MetricDefinition *definition)
{
	size_t count = 0;

	if (definition->label == NULL)
		return 1;
	while (definition->label_values[count] != NULL)
		count++;
	return count;
}

static bool
series_fill(MetricSeries *series, const MetricDefinition *definition)
{
	series->definition = definition;
	series->label_count = label_values_count(definition);
	series->values_per_label = 1;
	if (definition->type == METRIC_HISTOGRAM)
	{
		series->buckets =
			definition->buckets != NULL ? definition->buckets : metric_latency_buckets_us;
		while (series->buckets[series->bucket_count] != 0)
			series->bucket_count++;
		series->values_per_label = series->bucket_count + 2;
	}
	series->values = calloc(series->label_count * series->values_per_label, sizeof(MetricValue));
	return series->values != NULL;
}

Metrics *
metrics_new(const MetricDefinition *definitions, size_t count)
{
	Metrics *metrics = calloc(1, sizeof(Metrics) + count * sizeof(MetricSeries));

	if (metrics == NULL)
		return NULL;
	metrics->count = count;
	for (size_t i = 0; i < count; i++)
		if (!series_fill(&metrics->series[i], &definitions[i]))
		{
			metrics_free(metrics);
			return NULL;
		}
	return metrics;
}

void
metrics_free(Metrics *metrics)
{
	if (metrics == NULL)
		return;
	for (size_t i = 0; i < metrics->count; i++)
	{
		free(metrics->series[i].values);
		free(metrics->series[i].info_labels);
	}
	free(metrics);
}

static MetricValue *
series_values(const Metrics *metrics, size_t metric, size_t label)
{
	assert(metric < metrics->count && label < metrics->series[metric].label_count);

	const MetricSeries *series = &metrics->series[metric];

	return series->values + label * series->values_per_label;
}

void
metric_add(Metrics *metrics, size_t metric, size_t label, int64_t amount)
{
	atomic_fetch_add_explicit(series_values(metrics, metric, label), amount, memory_order_relaxed);
}

void
metric_set(Metrics *metrics, size_t metric, size_t label, int64_t value)
{
	atomic_store_explicit(series_values(metrics, metric, label), value, memory_order_relaxed);
}

void
metric_observe(Metrics *metrics, size_t metric, size_t label, int64_t value)
{
	const MetricSeries *series = &metrics->series[metric];
	MetricValue *values = series_values(metrics, metric, label);
	size_t bucket = 0;

	assert(series->definition->type == METRIC_HISTOGRAM);
	/* Two clocks may differ; a sum that falls would read as a restart. */
	if (value < 0)
		value = 0;
	while (bucket < series->bucket_count && value > series->buckets[bucket])
		bucket++;
	atomic_fetch_add_explicit(&values[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&values[series->bucket_count + 1], value, memory_order_relaxed);
}

int64_t
metric_get(const Metrics *metrics, size_t metric, size_t label)
{
	const MetricSeries *series = &metrics->series[metric];
	MetricValue *values = series_values(metrics, metric, label);
	size_t last = series->definition->type == METRIC_HISTOGRAM ? series->bucket_count : 0;
	int64_t sum = 0;

	for (size_t i = 0; i <= last; i++)
		sum += atomic_load_explicit(&values[i], memory_order_relaxed);
	return sum;
}

void
metric_info_set(Metrics *metrics, size_t metric, const char *labels)
{
	MetricSeries *series = &metrics->series[metric];

	assert(series->definition->type == METRIC_INFO);
	free(series->info_labels);
	series->info_labels = strdup(labels);
	metric_set(metrics, metric, 0, 1);
}

static const char *
type_name(MetricType type)
{
	switch (type)
	{
		case METRIC_COUNTER:
			return "counter";
		case METRIC_GAUGE:
		case METRIC_INFO:
			return "gauge";
		case METRIC_HISTOGRAM:
			return "histogram";
	}
	return "untyped";
}

/* Exactly, without binary floating point: 1500000 of scale 1000000 is 1.5. */
static void
scaled_print(FILE *out, int64_t value, int64_t scale)
{
	if (value == METRIC_UNKNOWN)
	{
		fputs("NaN", out);
		return;
	}

	uint64_t magnitude = value < 0 ? 0 - (uint64_t) value : (uint64_t) value;
	uint64_t unit = scale > 1 ? (uint64_t) scale : 1;
	uint64_t fraction = magnitude % unit;

	fprintf(out, "%s%" PRIu64, value < 0 ? "-" : "", magnitude / unit);
	if (fraction != 0)
		fputc('.', out);
	for (; fraction != 0; fraction = fraction * 10 % unit)
		fputc((int) ('0' + fraction * 10 / unit), out);
}

/* name_suffix{label="value",le="0.5"} and a blank; le NULL: none. */
static void
sample_name_print(FILE *out, const MetricSeries *series, const char *suffix, size_t label,
				  const char *bound)
{
	const MetricDefinition *definition = series->definition;
	bool labelled = definition->label != NULL;

	fprintf(out, "%s%s", definition->name, suffix);
	if (series->info_labels != NULL)
		fprintf(out, "{%s}", series->info_labels);
	else if (labelled || bound != NULL)
	{
		fputc('{', out);
		if (labelled)
			fprintf(out, "%s=\"%s\"", definition->label, definition->label_values[label]);
		if (bound != NULL)
			fprintf(out, "%sle=\"%s\"", labelled ? "," : "", bound);
		fputc('}', out);
	}
	fputc(' ', out);
}

static void
bound_print(char *text, size_t bytes, int64_t bound, int64_t scale)
{
	FILE *out = fmemopen(text, bytes, "w");

	text[0] = '\0';
	if (out == NULL)
		return;
	scaled_print(out, bound, scale);
	fclose(out);
}

static void
histogram_print(FILE *out, const MetricSeries *series, size_t label)
{
	MetricValue *values = series->values + label * series->values_per_label;
	int64_t scale = series->definition->scale;
	int64_t count = 0;
	char bound[64];

	for (size_t i = 0; i <= series->bucket_count; i++)
	{
		count += atomic_load_explicit(&values[i], memory_order_relaxed);
		if (i < series->bucket_count)
			bound_print(bound, sizeof(bound), series->buckets[i], scale);
		sample_name_print(out, series, "_bucket", label, i < series->bucket_count ? bound : "+Inf");
		fprintf(out, "%" PRId64 "\n", count);
	}
	sample_name_print(out, series, "_sum", label, NULL);
	scaled_print(out, atomic_load_explicit(&values[series->bucket_count + 1], memory_order_relaxed),
				 scale);
	fputc('\n', out);
	sample_name_print(out, series, "_count", label, NULL);
	fprintf(out, "%" PRId64 "\n", count);
}

static void
series_print(FILE *out, const MetricSeries *series)
{
	const MetricDefinition *definition = series->definition;

	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", definition->name, definition->help,
			definition->name, type_name(definition->type));
	for (size_t label = 0; label < series->label_count; label++)
	{
		if (definition->type == METRIC_HISTOGRAM)
		{
			histogram_print(out, series, label);
			continue;
		}
		sample_name_print(out, series, "", label, NULL);
		scaled_print(out, atomic_load_explicit(&series->values[label], memory_order_relaxed),
					 definition->scale);
		fputc('\n', out);
	}
}

char *
metrics_render(const Metrics *metrics, size_t *bytes)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, bytes);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < metrics->count; i++)
		series_print(out, &metrics->series[i]);
	process_metrics_print(out);
	if (fclose(out) != 0)
	{
		free(text);
		return NULL;
	}
	return text;
}

void
metrics_markdown_print(const MetricDefinition *definitions, size_t count, FILE *out)
{
	fputs("\n| metric | type | label | meaning |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < count; i++)
	{
		const MetricDefinition *definition = &definitions[i];

		fprintf(out, "| `%s` | %s | ", definition->name, type_name(definition->type));
		if (definition->label != NULL)
		{
			fprintf(out, "`%s`:", definition->label);
			for (size_t j = 0; definition->label_values[j] != NULL; j++)
				fprintf(out, "%s %s", j > 0 ? "," : "", definition->label_values[j]);
		}
		fprintf(out, " | %s |\n", definition->help);
	}
	process_metrics_markdown_print(out);
}
