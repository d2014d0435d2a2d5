/*
 * test_role.c
 *		The bridge's roles: their names, which make it ready, and how they follow each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/role.h"

static void
test_names_are_those_that_are_shown(void **state)
{
	(void) state;
	assert_string_equal(bridge_role_name(BRIDGE_ROLE_STARTING), "starting");
	assert_string_equal(bridge_role_name(BRIDGE_ROLE_SETTING_UP), "setting up");
	assert_string_equal(bridge_role_name(BRIDGE_ROLE_STANDBY), "standby");
	assert_string_equal(bridge_role_name(BRIDGE_ROLE_ACTIVE), "active");
}

static void
test_ready_with_a_slot_that_somebody_has(void **state)
{
	(void) state;
	for (BridgeRole role = 0; role < BRIDGE_ROLE_COUNT; role++)
		assert_int_equal(bridge_role_is_ready(role),
						 role == BRIDGE_ROLE_STANDBY || role == BRIDGE_ROLE_ACTIVE);
}

/* Rows: from; columns: to; x: legal. */
static void
test_moves(void **state)
{
	static const char *const legal[BRIDGE_ROLE_COUNT] = {
		/* NONE STARTING SETTING_UP STANDBY ACTIVE */
		".x...", "..xxx", ".x.xx", ".xx.x", ".xxx.",
	};

	(void) state;
	for (BridgeRole from = 0; from < BRIDGE_ROLE_COUNT; from++)
		for (BridgeRole to = 0; to < BRIDGE_ROLE_COUNT; to++)
			assert_int_equal(bridge_role_move_is_legal(from, to), legal[from][to] == 'x');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_those_that_are_shown),
		cmocka_unit_test(test_ready_with_a_slot_that_somebody_has),
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests_name("role", tests, NULL, NULL);
}
