/*
 * test_metrics.c
 *		Prometheus text of counters, gauges, histograms; updates from several threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/metrics.h"

enum
{
	EVENTS,
	LAG,
	PEERS,
	LATENCY,
	BUILD,
	METRIC_COUNT,
};

static const char *const peers[] = {"pg", "kafka", NULL};
static const int64_t buckets[] = {500, 1000000, 2500000, 0};

static const MetricDefinition definitions[] = {
	[EVENTS] = {.name = "t_events_total", .type = METRIC_COUNTER, .help = "Events."},
	[LAG] = {.name = "t_lag_seconds",
			 .type = METRIC_GAUGE,
			 .help = "Lag.",
			 .scale = METRIC_SCALE_US},
	[PEERS] = {.name = "t_connected",
			   .type = METRIC_GAUGE,
			   .help = "Peers.",
			   .label = "peer",
			   .label_values = peers},
	[LATENCY] = {.name = "t_latency_seconds",
				 .type = METRIC_HISTOGRAM,
				 .help = "Latency.",
				 .scale = METRIC_SCALE_US,
				 .label = "peer",
				 .label_values = peers,
				 .buckets = buckets},
	[BUILD] = {.name = "t_build_info", .type = METRIC_INFO, .help = "Build."},
};

static Metrics *metrics;
static char *text;

static int
test_begin(void **state)
{
	(void) state;
	metrics = metrics_new(definitions, METRIC_COUNT);
	text = NULL;
	return metrics == NULL;
}

static int
test_end(void **state)
{
	(void) state;
	metrics_free(metrics);
	free(text);
	return 0;
}

static void
assert_rendered(const char *part)
{
	size_t bytes = 0;

	free(text);
	text = metrics_render(metrics, &bytes);
	assert_non_null(text);
	assert_int_equal(bytes, strlen(text));
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void
test_counter_and_gauge(void **state)
{
	(void) state;
	assert_rendered("# HELP t_events_total Events.\n# TYPE t_events_total counter\n"
					"t_events_total 0\n");
	metric_add(metrics, EVENTS, 0, 5);
	metric_add(metrics, EVENTS, 0, 2);
	metric_set(metrics, PEERS, 1, 1);
	assert_int_equal(metric_get(metrics, EVENTS, 0), 7);
	assert_rendered("\nt_events_total 7\n");
	assert_rendered("t_connected{peer=\"pg\"} 0\nt_connected{peer=\"kafka\"} 1\n");
}

static void
test_scale_is_exact(void **state)
{
	static const struct
	{
		int64_t stored;
		const char *shown;
	} cases[] = {
		{0, "\nt_lag_seconds 0\n"},
		{1, "\nt_lag_seconds 0.000001\n"},
		{1500000, "\nt_lag_seconds 1.5\n"},
		{-1000001, "\nt_lag_seconds -1.000001\n"},
		{INT64_MIN + 1, "\nt_lag_seconds -9223372036854.775807\n"},
		{METRIC_UNKNOWN, "\nt_lag_seconds NaN\n"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		metric_set(metrics, LAG, 0, cases[i].stored);
		assert_rendered(cases[i].shown);
	}
}

static void
test_histogram(void **state)
{
	(void) state;
	metric_observe(metrics, LATENCY, 1, 500);
	metric_observe(metrics, LATENCY, 1, 501);
	metric_observe(metrics, LATENCY, 1, 2500000);
	metric_observe(metrics, LATENCY, 1, 99000000);
	assert_int_equal(metric_get(metrics, LATENCY, 1), 4);
	assert_int_equal(metric_get(metrics, LATENCY, 0), 0);
	assert_rendered("# TYPE t_latency_seconds histogram\n");
	assert_rendered("t_latency_seconds_bucket{peer=\"kafka\",le=\"0.0005\"} 1\n"
					"t_latency_seconds_bucket{peer=\"kafka\",le=\"1\"} 2\n"
					"t_latency_seconds_bucket{peer=\"kafka\",le=\"2.5\"} 3\n"
					"t_latency_seconds_bucket{peer=\"kafka\",le=\"+Inf\"} 4\n"
					"t_latency_seconds_sum{peer=\"kafka\"} 101.501001\n"
					"t_latency_seconds_count{peer=\"kafka\"} 4\n");
	/* The other clock is ahead: counted, and nothing is taken from the sum. */
	metric_observe(metrics, LATENCY, 1, -588000000);
	assert_rendered("t_latency_seconds_sum{peer=\"kafka\"} 101.501001\n"
					"t_latency_seconds_count{peer=\"kafka\"} 5\n");
}

static void
test_info_and_process(void **state)
{
	(void) state;
	metric_info_set(metrics, BUILD, "version=\"1.0\",librdkafka=\"2.0.2\"");
	assert_rendered("t_build_info{version=\"1.0\",librdkafka=\"2.0.2\"} 1\n");
	assert_rendered("\nprocess_resident_memory_bytes ");
	assert_rendered("\nprocess_cpu_seconds_total ");
	assert_rendered("\nprocess_open_fds ");
	assert_rendered("\nprocess_start_time_seconds 1");
}

static void *
thread_run(void *argument)
{
	(void) argument;
	for (int i = 0; i < 100000; i++)
	{
		metric_add(metrics, EVENTS, 0, 1);
		metric_observe(metrics, LATENCY, 0, i);
	}
	return NULL;
}

static void
test_threads_lose_nothing(void **state)
{
	pthread_t threads[3];

	(void) state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_run, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_get(metrics, EVENTS, 0), 300000);
	assert_int_equal(metric_get(metrics, LATENCY, 0), 300000);
}

static void
test_markdown(void **state)
{
	char *markdown = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&markdown, &bytes);

	(void) state;
	metrics_markdown_print(definitions, METRIC_COUNT, out);
	fclose(out);
	assert_non_null(strstr(markdown, "| `t_connected` | gauge | `peer`: pg, kafka | Peers. |\n"));
	assert_non_null(
		strstr(markdown, "| `process_open_fds` | gauge |  | Open file descriptors. |\n"));
	free(markdown);
}

int
main(void)
{
#define METRIC_TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)
	const struct CMUnitTest tests[] = {
		METRIC_TEST(test_counter_and_gauge),
		METRIC_TEST(test_scale_is_exact),
		METRIC_TEST(test_histogram),
		METRIC_TEST(test_info_and_process),
		METRIC_TEST(test_threads_lose_nothing),
		METRIC_TEST(test_markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
