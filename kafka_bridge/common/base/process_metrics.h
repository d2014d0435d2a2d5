/*
 * process_metrics.h
 *		The process_* metrics every exporter is expected to have: CPU, memory, descriptors, start.
 */
#pragma once

#include <stdio.h>

/* Appends them in Prometheus text format; leaves out what the system does not tell. */
void process_metrics_print(FILE *out);

/* The same as rows of metrics_markdown_print(): name, type, no label, meaning. */
void process_metrics_markdown_print(FILE *out);
