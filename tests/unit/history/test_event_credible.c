/*
 * test_event_credible.c
 *		What looks like an event and can't be one of the ledger's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "history/event_credible.h"

#define NOW_US	  INT64_C(1800000000000000)
#define MINUTE_US INT64_C(60000000)
/* uuid.uuid5(uuid.UUID(WALLET), "7") of Python. */
#define WALLET_BYTES \
	0x01, 0x94, 0x3c, 0x5e, 0x7b, 0x00, 0x70, 0x00, 0x80, 0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab
#define EVENT_ID_BYTES \
	0xc1, 0xbb, 0x81, 0xf5, 0x14, 0x10, 0x5e, 0x97, 0x94, 0x81, 0x46, 0x56, 0x9f, 0x12, 0x5a, 0x55

static JsonSlice
slice(const char *text)
{
	return (JsonSlice){.bytes = text, .length = strlen(text)};
}

static Event
credible_event(void)
{
	Event event = {.id = {{EVENT_ID_BYTES}},
				   .wallet = {{WALLET_BYTES}},
				   .version = 7,
				   .created_at_us = NOW_US};

	event.event_type = slice("TRANSFER_IN");
	event.user_id = slice("alice");
	return event;
}

static void
assert_refused(const Event *event, EventFaultKind kind, const char *reason)
{
	EventFault fault;

	assert_false(event_is_credible(event, NOW_US, &fault));
	assert_int_equal(fault.kind, kind);
	assert_non_null(strstr(fault.reason, reason));
}

static void
test_event_of_the_ledger(void **state)
{
	Event event = credible_event();
	EventFault fault;

	(void) state;
	assert_true(event_is_credible(&event, NOW_US, &fault));
	/* A clock may be wrong by some minutes, and a backlog be old. */
	event.created_at_us = NOW_US + 5 * MINUTE_US;
	assert_true(event_is_credible(&event, NOW_US, &fault));
	event.created_at_us = 0;
	assert_true(event_is_credible(&event, NOW_US, &fault));
}

static void
test_id_of_another_version_or_wallet(void **state)
{
	Event event = credible_event();

	(void) state;
	event.version = 8;
	assert_refused(&event, EVENT_FAULT_ID, "event_id");
	event = credible_event();
	event.wallet.bytes[15] ^= 1;
	assert_refused(&event, EVENT_FAULT_ID, "event_id");
}

static void
test_unknown_type(void **state)
{
	Event event = credible_event();

	(void) state;
	event.event_type = slice("TRANSFER");
	assert_refused(&event, EVENT_FAULT_FIELD, "event_type");
}

static void
test_future(void **state)
{
	Event event = credible_event();

	(void) state;
	event.created_at_us = NOW_US + 5 * MINUTE_US + 1;
	assert_refused(&event, EVENT_FAULT_FIELD, "created_at");
}

static void
test_length_of_the_user_id_in_characters(void **state)
{
	static const char *const units[] = {"a",	   "\xC3\xA9",		 "\\n",
										"\\u00e9", "\\ud83d\\ude00", "\xF0\x9F\x98\x80"};
	Event event = credible_event();
	EventFault fault;

	(void) state;
	for (size_t unit = 0; unit < sizeof(units) / sizeof(units[0]); unit++)
	{
		char text[2048] = "";

		for (int i = 0; i < 100; i++)
			strcat(text, units[unit]);
		event.user_id = slice(text);
		assert_true(event_is_credible(&event, NOW_US, &fault));
		strcat(text, units[unit]);
		event.user_id = slice(text);
		assert_refused(&event, EVENT_FAULT_FIELD, "user_id");
	}
	event.user_id = slice("");
	assert_refused(&event, EVENT_FAULT_FIELD, "user_id");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_of_the_ledger),
		cmocka_unit_test(test_id_of_another_version_or_wallet),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_future),
		cmocka_unit_test(test_length_of_the_user_id_in_characters),
	};

	return cmocka_run_group_tests_name("event_credible", tests, NULL, NULL);
}
