/*
 * test_event_reader.c
 *		What is an event, what is poison and why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/event_reader.h"

#define WALLET "01943c5e-7b00-7000-8000-0123456789ab"

static const char canonical[] =
	"{\"event_id\":\"6f9619ff-8b86-5011-b42d-00c04fc964ff\",\"event_type\":\"TRANSFER_IN\","
	"\"transaction_id\":\"01943c5e-7b01-7000-8000-000000000001\",\"wallet_id\":\"" WALLET "\","
	"\"user_id\":\"al\\\"ice\",\"version\":7,\"amount\":\"25.0000\",\"balance\":\"-125.5000\","
	"\"held\":\"0.0000\",\"currency\":\"USD\",\"counterparty_wallet_id\":null,\"hold_id\":null,"
	"\"created_at\":\"2026-11-22T23:46:03.123456Z\",\"metadata\":{\"n\": 1e400},\"status\":\"active\","
	"\"credit_limit\":null,\"max_balance\":null,\"expires_at\":null,\"reverses\":null}";

static bool
read_text(const char *value, Event *event, EventFault *fault)
{
	return event_read(WALLET, strlen(WALLET), value, strlen(value), event, fault);
}

/* The canonical event with the first `from` replaced; from malloc. */
static char *
canonical_with(const char *from, const char *to)
{
	const char *found = strstr(canonical, from);
	size_t bytes = sizeof(canonical) + strlen(to);
	char *text = malloc(bytes);

	assert_non_null(found);
	assert_non_null(text);
	snprintf(text, bytes, "%.*s%s%s", (int) (found - canonical), canonical, to,
			 found + strlen(from));
	return text;
}

static void
assert_slice(JsonSlice slice, const char *text)
{
	assert_int_equal(slice.length, strlen(text));
	assert_memory_equal(slice.bytes, text, slice.length);
}

static void
test_reads_the_canonical_event(void **state)
{
	Event event;
	EventFault fault;

	(void) state;
	assert_true(read_text(canonical, &event, &fault));
	assert_memory_equal(event.id.bytes,
						"\x6f\x96\x19\xff\x8b\x86\x50\x11\xb4\x2d\x00\xc0\x4f\xc9\x64\xff",
						EVENT_UUID_BYTES);
	assert_slice(event.wallet_id, WALLET);
	assert_memory_equal(event.transaction.bytes,
						"\x01\x94\x3c\x5e\x7b\x01\x70\x00\x80\x00\x00\x00\x00\x00\x00\x01",
						EVENT_UUID_BYTES);
	assert_slice(event.user_id, "al\\\"ice");
	assert_slice(event.event_type, "TRANSFER_IN");
	assert_slice(event.amount, "25.0000");
	assert_slice(event.record, canonical);
	assert_int_equal(event.version, 7);
	assert_true(event.created_at_us == INT64_C(1795391163123456));
	assert_int_equal(event.wallet.bytes[0], 0x01);
	assert_int_equal(event.wallet.bytes[15], 0xab);
}

static void
test_ignores_order_space_and_unknown_fields(void **state)
{
	static const char text[] =
		" { \"new_field\" : [1,{}], \"wallet_id\":\"" WALLET "\", \"amount\":\"0.0000\",\n"
		"\"created_at\":\"2024-02-29T00:00:00Z\", \"user_id\":\"\", \"version\":0,"
		"\"event_type\":\"CREATED\", \"event\\u005fid\":\"6f9619ff-8b86-5011-b42d-00c04fc964ff\","
		"\"transaction_id\":\"01943c5e-7b01-7000-8000-000000000001\" } ";
	Event event;
	EventFault fault;

	(void) state;
	assert_true(read_text(text, &event, &fault));
	assert_int_equal(event.version, 0);
	assert_true(event.created_at_us == INT64_C(1709164800000000));
}

typedef struct Change
{
	const char *from;
	const char *to;
} Change;

static void
test_accepts_every_valid_form(void **state)
{
	static const Change changes[] = {
		{"\"version\":7", "\"version\":9223372036854775807"},
		{"25.0000", "999999999999999.9999"},
		{"-125.5000", "0.0001"},
		{"{\"n\": 1e400}", "null"},
		{"{\"n\": 1e400}", "{\"n\": 123456789012345678901234567890.5}"},
		{"\"credit_limit\":null", "\"credit_limit\":\"10.0000\""},
		{"\"expires_at\":null", "\"expires_at\":\"2026-12-31T23:59:59.5Z\""},
		{"\"reverses\":null", "\"reverses\":\"01943c5e-7b01-7000-8000-000000000001\""},
		{"\"event_type\":\"TRANSFER_IN\"", "\"event_type\":\"SOMETHING_NEW\""},
		{"2026-11-22T23:46:03.123456Z", "0001-01-01T00:00:00Z"},
		{"2026-11-22T23:46:03.123456Z", "9999-12-31T23:59:59.999999Z"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		Event event;
		EventFault fault;
		char *text = canonical_with(changes[i].from, changes[i].to);

		if (!read_text(text, &event, &fault))
			fail_msg("%s: %s", changes[i].to, fault.reason);
		free(text);
	}
}

static const Change wrong_fields[] = {
	{"\"version\":7", "\"version\":-1"},
	{"\"version\":7", "\"version\":7.0"},
	{"\"version\":7", "\"version\":7e0"},
	{"\"version\":7", "\"version\":\"7\""},
	{"\"version\":7", "\"version\":9223372036854775808"},
	{"\"version\":7", "\"version\":null"},
	{"\"version\":7", "\"version\":7,\"version\":7"},
	{"\"version\":7,", ""},
	{"\"25.0000\"", "25.0000"},
	{"\"25.0000\"", "25"},
	{"25.0000", "25.00"},
	{"25.0000", "25.00000"},
	{"25.0000", "-25.0000"},
	{"25.0000", "+25.0000"},
	{"25.0000", "025.0000"},
	{"25.0000", ".0000"},
	{"25.0000", "1000000000000000.0000"},
	{"25.0000", "1e3.0000"},
	{"25.0000", "NaN"},
	{"25.0000", ""},
	{"-125.5000", "--25.5000"},
	{"\"-125.5000\"", "null"},
	{"\"held\":\"0.0000\"", "\"held\":\"-1.0000\""},
	{"\"USD\"", "5"},
	{"\"counterparty_wallet_id\":null", "\"counterparty_wallet_id\":\"x\""},
	{"\"al\\\"ice\"", "null"},
	{"\"TRANSFER_IN\"", "\"\""},
	{"6f9619ff-8b86-5011-b42d-00c04fc964ff", "6F9619FF-8B86-5011-B42D-00C04FC964FF"},
	{"6f9619ff-8b86-5011-b42d-00c04fc964ff", "6f9619ff8b865011b42d00c04fc964ff"},
	{"6f9619ff-8b86-5011-b42d-00c04fc964ff", "6f9619ff-8b86-5011-b42d-00c04fc964f"},
	{"6f9619ff-8b86-5011-b42d-00c04fc964ff", "6f9619ff-8b86-5011-b42d-00c04fc964fg"},
	{"{\"n\": 1e400}", "[]"},
	{"{\"n\": 1e400}", "\"text\""},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T23:46:03.1234567Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T23:46:03.Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T23:46:03.123456+00:00"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22 23:46:03.123456Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-02-29T00:00:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-13-01T00:00:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-00-01T00:00:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-00T00:00:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T24:00:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T23:60:00Z"},
	{"2026-11-22T23:46:03.123456Z", "2026-11-22T23:46:60Z"},
	{"2026-11-22T23:46:03.123456Z", "0000-11-22T23:46:00Z"},
	{"2026-11-22T23:46:03.123456Z", "yesterday"},
	{"\"credit_limit\":null", "\"credit_limit\":1"},
	{"\"expires_at\":null", "\"expires_at\":\"soon\""},
};

static void
test_refuses_wrong_fields(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(wrong_fields) / sizeof(wrong_fields[0]); i++)
	{
		Event event;
		EventFault fault;
		char *text = canonical_with(wrong_fields[i].from, wrong_fields[i].to);

		if (read_text(text, &event, &fault))
			fail_msg("accepted: %s", wrong_fields[i].to);
		if (fault.kind != EVENT_FAULT_FIELD || strncmp(fault.reason, "field ", 6) != 0)
			fail_msg("%s: %s", wrong_fields[i].to, fault.reason);
		free(text);
	}
}

static void
assert_fault(const char *key, const char *value, EventFaultKind kind)
{
	Event event;
	EventFault fault;

	assert_false(event_read(key, key == NULL ? 0 : strlen(key), value,
							value == NULL ? 0 : strlen(value), &event, &fault));
	assert_int_equal(fault.kind, kind);
	assert_true(fault.reason[0] != '\0');
	assert_true(event_fault_name(fault.kind)[0] != '\0');
}

static void
test_refuses_records_that_are_no_event(void **state)
{
	(void) state;
	assert_fault(WALLET, NULL, EVENT_FAULT_TOMBSTONE);
	assert_fault(NULL, NULL, EVENT_FAULT_TOMBSTONE);
	assert_fault(NULL, canonical, EVENT_FAULT_NO_KEY);
	assert_fault("", canonical, EVENT_FAULT_NO_KEY);
	assert_fault(WALLET, "", EVENT_FAULT_NOT_JSON);
	assert_fault(WALLET, "rubbish", EVENT_FAULT_NOT_JSON);
	assert_fault(WALLET, "[1]", EVENT_FAULT_NOT_JSON);
	assert_fault(WALLET, "{}", EVENT_FAULT_FIELD);
	assert_fault("01943c5e-7b00-7000-8000-0123456789ac", canonical, EVENT_FAULT_KEY);
	assert_fault(WALLET " ", canonical, EVENT_FAULT_KEY);
	assert_fault("01943C5E-7B00-7000-8000-0123456789AB", canonical, EVENT_FAULT_KEY);
}

/* No prefix of an event is an event, and no read passes its end (the sanitizer watches). */
static void
test_refuses_every_prefix(void **state)
{
	(void) state;
	for (size_t length = 0; length < sizeof(canonical) - 1; length++)
	{
		Event event;
		EventFault fault;
		char *copy = malloc(length + 1);

		assert_non_null(copy);
		memcpy(copy + 1, canonical, length);
		assert_false(event_read(WALLET, strlen(WALLET), copy + 1, length, &event, &fault));
		free(copy);
	}
}

/* Random bytes anywhere: whatever comes out, nothing is read past the end. */
static void
test_survives_random_changes(void **state)
{
	uint64_t random = 7;

	(void) state;
	for (int i = 0; i < 100000; i++)
	{
		Event event;
		EventFault fault;
		size_t length = sizeof(canonical) - 1;
		char *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, canonical, length);
		for (int change = 0; change < 1 + i % 4; change++)
		{
			random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			copy[(random >> 33) % length] = (char) (random >> 20);
		}
		event_read(WALLET, strlen(WALLET), copy, length, &event, &fault);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_the_canonical_event),
		cmocka_unit_test(test_ignores_order_space_and_unknown_fields),
		cmocka_unit_test(test_accepts_every_valid_form),
		cmocka_unit_test(test_refuses_wrong_fields),
		cmocka_unit_test(test_refuses_records_that_are_no_event),
		cmocka_unit_test(test_refuses_every_prefix),
		cmocka_unit_test(test_survives_random_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
