/*
 * consumer_state.h
 *		What the consumer consists of: for consumer.c, which is its loop, and verdict.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer.h"
#include "consumer_parts.h"
#include "consumer_report.h"
#include "daemon/daemon.h"
#include "flow.h"
#include "history_config.h"
#include "membership.h"
#include "base/status.h"
#include "work_queues.h"

/* All of it belongs to the consumer's thread; what a worker borrows, work_queue.h says. */
struct Consumer
{
	const HistoryConfig *config;
	Daemon *daemon;
	size_t loop; /* for health_loop_beat() */
	ConsumerParts parts;
	Membership membership;
	WorkQueues work;
	Flow flow;
	ConsumerReport report;
	Status end;			   /* what consumer_run() returns: the first reason to end */
	bool finished;		   /* nothing more can be applied */
	int64_t counted_at_ms; /* of the latest count task that succeeded */
	int64_t looked_at_ms;  /* the partitions' ends were looked at */
	bool count_due;
};
