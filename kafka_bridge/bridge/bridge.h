/*
 * bridge.h
 *		The life of the bridge: checks, set-up, standby, streaming, and starting over.
 */
#pragma once

#include "observe/health.h"
#include "base/metrics.h"
#include "options.h"
#include "base/status.h"

typedef struct BridgePlan
{
	const BridgeConfig *config;
	int stop_fd;
	Health *health;
	Metrics *metrics;
	size_t stream_loop; /* health loops of the two threads */
	size_t outbox_loop;
} BridgePlan;

/*
 * Runs in the calling thread until a stop was asked for (OK) or until something happened that a
 * restart won't mend (FATAL, BUG). Everything else it gets over by itself.
 */
Status bridge_run(const BridgePlan *plan);
