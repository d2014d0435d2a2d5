/*
 * outbox_report.h
 *		What the outbox tells the world: metrics and health of the positions and of Kafka.
 */
#pragma once

#include <stdbool.h>

#include "base/metrics.h"
#include "observe/health.h"
#include "outbox.h"

/* cut_off: no broker can be reached. acknowledges: what was sent lately was acknowledged. */
void outbox_report(Health *health, Metrics *metrics, const OutboxPositions *positions, bool cut_off,
				   bool acknowledges);
