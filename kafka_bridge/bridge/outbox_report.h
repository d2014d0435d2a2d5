/*
 * outbox_report.h
 *		What the outbox tells the world: metrics and health of the positions and of Kafka.
 */
#pragma once

#include "base/metrics.h"
#include "observe/health.h"
#include "outbox.h"

/* trouble: why Kafka is of no use at the moment; "": it is. */
void outbox_report(Health *health, Metrics *metrics, const OutboxPositions *positions,
				   const char *trouble);
