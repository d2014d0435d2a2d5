/*
 * process_metrics.c
 *		Reads /proc/self.
 */
#include "base/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct ProcessMetric
{
	const char *name;
	const char *type;
	const char *help;
} ProcessMetric;

static const ProcessMetric cpu_seconds = {"process_cpu_seconds_total", "counter",
										  "User and system CPU time of the process in seconds."};
static const ProcessMetric virtual_bytes = {"process_virtual_memory_bytes", "gauge",
											"Virtual memory of the process in bytes."};
static const ProcessMetric resident_bytes = {"process_resident_memory_bytes", "gauge",
											 "Resident memory of the process in bytes."};
static const ProcessMetric open_descriptors = {"process_open_fds", "gauge",
											   "Open file descriptors."};
static const ProcessMetric start_seconds = {
	"process_start_time_seconds", "gauge", "Start of the process in seconds since 1970-01-01 UTC."};

static const ProcessMetric *const process_metrics[] = {
	&cpu_seconds, &virtual_bytes, &resident_bytes, &open_descriptors, &start_seconds,
};

static void
sample_print(FILE *out, const ProcessMetric *metric, int64_t value, int64_t microseconds)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64, metric->name, metric->help,
			metric->name, metric->type, metric->name, value);
	if (microseconds >= 0)
		fprintf(out, ".%06" PRId64, microseconds);
	fputc('\n', out);
}

static void
cpu_print(FILE *out)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return;

	int64_t microseconds = (int64_t) usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
	int64_t seconds = (int64_t) usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;

	sample_print(out, &cpu_seconds, seconds + microseconds / 1000000, microseconds % 1000000);
}

static void
memory_print(FILE *out)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long virtual_pages = 0;
	long resident_pages = 0;

	if (file == NULL)
		return;
	if (fscanf(file, "%ld %ld", &virtual_pages, &resident_pages) == 2)
	{
		sample_print(out, &virtual_bytes, (int64_t) virtual_pages * sysconf(_SC_PAGESIZE), -1);
		sample_print(out, &resident_bytes, (int64_t) resident_pages * sysconf(_SC_PAGESIZE), -1);
	}
	fclose(file);
}

static void
descriptors_print(FILE *out)
{
	DIR *directory = opendir("/proc/self/fd");
	int64_t count = 0;

	if (directory == NULL)
		return;
	for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
		if (entry->d_name[0] != '.')
			count++;
	closedir(directory);
	/* The directory itself was one of them. */
	sample_print(out, &open_descriptors, count - 1, -1);
}

/* Field 22 of /proc/self/stat, behind the name in parentheses, is in ticks since boot. */
static void
start_time_print(FILE *out)
{
	char text[1024];
	FILE *file = fopen("/proc/self/stat", "re");
	unsigned long long start_ticks = 0;
	struct timespec now;
	struct timespec since_boot;

	if (file == NULL)
		return;

	size_t bytes = fread(text, 1, sizeof(text) - 1, file);

	fclose(file);
	text[bytes] = '\0';

	const char *behind_name = strrchr(text, ')');

	if (behind_name == NULL ||
		sscanf(behind_name + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			   &start_ticks) != 1)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	sample_print(out, &start_seconds,
				 now.tv_sec - since_boot.tv_sec + (int64_t) start_ticks / sysconf(_SC_CLK_TCK), -1);
}

void
process_metrics_print(FILE *out)
{
	cpu_print(out);
	memory_print(out);
	descriptors_print(out);
	start_time_print(out);
}

void
process_metrics_markdown_print(FILE *out)
{
	for (size_t i = 0; i < sizeof(process_metrics) / sizeof(process_metrics[0]); i++)
		fprintf(out, "| `%s` | %s |  | %s |\n", process_metrics[i]->name, process_metrics[i]->type,
				process_metrics[i]->help);
}
