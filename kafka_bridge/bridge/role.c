/*
 * role.c
 *		The tables of names and of legal moves.
 */
#include "role.h"

#include <assert.h>

static const char *const names[BRIDGE_ROLE_COUNT] = {
	[BRIDGE_ROLE_NONE] = "none",
	[BRIDGE_ROLE_STARTING] = "starting",
	[BRIDGE_ROLE_SETTING_UP] = "setting up",
	[BRIDGE_ROLE_STANDBY] = "standby",
	[BRIDGE_ROLE_ACTIVE] = "active",
};

#define BIT(role) (1U << (role))
#define WORKING	  (BIT(BRIDGE_ROLE_SETTING_UP) | BIT(BRIDGE_ROLE_STANDBY) | BIT(BRIDGE_ROLE_ACTIVE))

/* By the role before: a bit for each role that may follow. Nothing returns to NONE. */
static const unsigned legal_moves[BRIDGE_ROLE_COUNT] = {
	[BRIDGE_ROLE_NONE] = BIT(BRIDGE_ROLE_STARTING),
	[BRIDGE_ROLE_STARTING] = WORKING,
	/* A term that ends leaves its role to the next one, which begins with the same questions. */
	[BRIDGE_ROLE_SETTING_UP] = BIT(BRIDGE_ROLE_STARTING) | WORKING,
	[BRIDGE_ROLE_STANDBY] = BIT(BRIDGE_ROLE_STARTING) | WORKING,
	[BRIDGE_ROLE_ACTIVE] = BIT(BRIDGE_ROLE_STARTING) | WORKING,
};

const char *
bridge_role_name(BridgeRole role)
{
	assert(role < BRIDGE_ROLE_COUNT);
	return names[role];
}

bool
bridge_role_is_ready(BridgeRole role)
{
	return role == BRIDGE_ROLE_STANDBY || role == BRIDGE_ROLE_ACTIVE;
}

bool
bridge_role_move_is_legal(BridgeRole from, BridgeRole to)
{
	assert(from < BRIDGE_ROLE_COUNT && to < BRIDGE_ROLE_COUNT);
	return from != to && (legal_moves[from] & BIT(to)) != 0;
}
