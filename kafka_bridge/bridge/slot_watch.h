/*
 * slot_watch.h
 *		Looks at the slot's copies on the other hosts of DATABASE_URL while the bridge streams:
 *		without one a failover ends with a slot that begins too late.
 *
 * A thread and connections of its own, to one host after the other. What it finds stands in
 * /health and in the metrics, and nothing waits for it.
 */
#pragma once

#include "options.h"
#include "outbox.h"

typedef struct SlotWatch SlotWatch;

/*
 * *watch is NULL where the URL names no other host. The outbox, whose plan has metrics and health,
 * is closed after the watch.
 */
Status slot_watch_open(const OutboxPlan *plan, const BridgeConfig *config, Outbox *outbox,
					   SlotWatch **watch);

/* Waits for a look that is under way; sets to NULL, NULL is fine. */
void slot_watch_close(SlotWatch **watch);
