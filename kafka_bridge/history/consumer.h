/*
 * consumer.h
 *		The loop between Kafka and the history: reads, batches, decides what happens on trouble.
 *
 * Call order: consumer_new(); consumer_run(), which returns when a stop was requested or going on
 * makes no sense; consumer_free(). One thread.
 */
#pragma once

#include "daemon/daemon.h"
#include "history_config.h"
#include "base/status.h"

typedef struct Consumer Consumer;

/* config and daemon must outlive the consumer. */
Status consumer_new(const HistoryConfig *config, Daemon *daemon, Consumer **consumer);

/* OK after a stop was requested; else why it ended. */
Status consumer_run(Consumer *consumer);

void consumer_free(Consumer *consumer);
