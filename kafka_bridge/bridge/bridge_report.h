/*
 * bridge_report.h
 *		What the bridge shows of its role and its peers, in log, health and metrics.
 */
#pragma once

#include "base/status.h"
#include "bridge.h"
#include "bridge_metrics.h"
#include "role.h"

/* From the role known to another; with the one there is: check and metric are set again. */
void bridge_report_role(const BridgePlan *plan, BridgeRole *known, BridgeRole role);

/* How the last contact with a peer ended. */
void bridge_report_peer(const BridgePlan *plan, BridgePeer peer, const Status *status);
