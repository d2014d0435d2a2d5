/*
 * role.h
 *		What a bridge is to its slot at the moment; shown as the fact "role". Pure.
 *
 *		NONE		bridge_run() has not begun
 *		STARTING	connecting, checking, or between two streams
 *		SETTING_UP	creates what the first start needs: the slot, the backfill
 *		STANDBY		another bridge has the slot
 *		ACTIVE		has the slot and streams
 */
#pragma once

#include <stdbool.h>

typedef enum BridgeRole
{
	BRIDGE_ROLE_NONE,
	BRIDGE_ROLE_STARTING,
	BRIDGE_ROLE_SETTING_UP,
	BRIDGE_ROLE_STANDBY,
	BRIDGE_ROLE_ACTIVE,
	BRIDGE_ROLE_COUNT
} BridgeRole;

/* Static text: "starting" ... */
const char *bridge_role_name(BridgeRole role);

/* Whether payments can rely on the slot: it exists, and one bridge or another has it. */
bool bridge_role_is_ready(BridgeRole role);

/* Whether a bridge may go from one role to another; every change is asserted. */
bool bridge_role_move_is_legal(BridgeRole from, BridgeRole to);
