/*
 * http_reads.h
 *		The HTTP reads of the history, from a small pool of connections beside the consumer's own.
 *
 * Call order: http_reads_new(); its routes go into the daemon's plan; http_reads_start() once the
 * daemon has started; http_reads_stop() before it stops; http_reads_free().
 */
#pragma once

#include "daemon/daemon.h"
#include "history_config.h"
#include "http/route.h"
#include "base/status.h"

typedef struct HttpReads HttpReads;

/* config must outlive it. NULL when out of memory. */
HttpReads *http_reads_new(const HistoryConfig *config);
void http_reads_free(HttpReads *reads);

const HttpRoute *http_reads_routes(const HttpReads *reads, size_t *count);

/* BUG: no thread can be started. */
Status http_reads_start(HttpReads *reads, Daemon *daemon);
/* Requests that are being worked on get their answers. */
void http_reads_stop(HttpReads *reads, Daemon *daemon);

/* Names for the metrics: "other", "history", "activity". */
extern const char *const http_reads_labels[];
