/*
 * test_event_source.c
 *		Whose events a history takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "history/event_source.h"

#define OURS   "/wallet/7611111111111111111/wallet"
#define FORMER "/wallet/7600000000000000000/wallet"

static void
assert_refused(EventSource *source, const char *text)
{
	EventFault fault = {.kind = EVENT_FAULT_ID};

	assert_false(event_source_matches(source, text, &fault));
	assert_int_equal(fault.kind, EVENT_FAULT_SOURCE);
}

static void
test_own_source(void **state)
{
	EventSource source = {.own = OURS};
	EventFault fault;

	(void) state;
	assert_true(event_source_matches(&source, OURS, &fault));
	assert_refused(&source, FORMER);
	assert_refused(&source, OURS "2");
	assert_refused(&source, "");
	assert_refused(&source, NULL);
	assert_string_equal(source.own, OURS);
}

static void
test_first_event_decides(void **state)
{
	EventSource source = {.own = ""};
	EventFault fault;

	(void) state;
	assert_refused(&source, NULL);
	assert_true(event_source_matches(&source, OURS, &fault));
	assert_string_equal(source.own, OURS);
	assert_refused(&source, FORMER);
}

static void
test_told_sources(void **state)
{
	EventSource source = {.own = "", .told = FORMER "," OURS};
	EventFault fault;
	char first[EVENT_SOURCE_BYTES];

	(void) state;
	assert_refused(&source, "/wallet/1/wallet");
	assert_refused(&source, FORMER ",");
	assert_true(event_source_matches(&source, FORMER, &fault));
	assert_true(event_source_matches(&source, OURS, &fault));
	assert_string_equal(source.own, "");
	event_source_first(source.told, first);
	assert_string_equal(first, FORMER);
	event_source_first(NULL, first);
	assert_string_equal(first, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_source),
		cmocka_unit_test(test_first_event_decides),
		cmocka_unit_test(test_told_sources),
	};

	return cmocka_run_group_tests_name("event_source", tests, NULL, NULL);
}
