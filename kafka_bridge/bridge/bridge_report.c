/*
 * bridge_report.c
 *		What the bridge shows of its role and its peers, in log, health and metrics.
 */
#include "bridge_report.h"

#include <assert.h>

#include "observe/log.h"

void
bridge_report_role(const BridgePlan *plan, BridgeRole *known, BridgeRole role)
{
	bool ready = bridge_role_is_ready(role);
	const char *name = bridge_role_name(role);

	if (*known != role)
	{
		assert(bridge_role_move_is_legal(*known, role));
		log_info("role changed", log_text("role", name),
				 log_text("slot", plan->config->bridge.slot));
	}
	*known = role;
	health_fact_set(plan->health, "role", "%s", name);
	/* Until the slot exists, what is committed might belong to the time before the first start. */
	health_check_set(plan->health, "slot", ready, "%s", ready ? "" : name);
	metric_set(plan->metrics, BRIDGE_METRIC_ACTIVE, 0, role == BRIDGE_ROLE_ACTIVE);
}

void
bridge_report_peer(const BridgePlan *plan, BridgePeer peer, const Status *status)
{
	const char *check = peer == BRIDGE_PEER_POSTGRESQL ? "postgresql" : "kafka";

	health_check_set(plan->health, check, status_is_ok(status), "%s", status->text);
	metric_set(plan->metrics, BRIDGE_METRIC_CONNECTED, (size_t) peer, status_is_ok(status));
}
