/*
 * test_value.c
 *		Each kind of parameter: what it makes of good input, and that it refuses the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint/value.h"

static const char *
parse(EndpointParse function, JsonKind kind, const char *text, char **value)
{
	const EndpointInput input = {kind, text, strlen(text)};

	*value = NULL;
	return function(&input, value);
}

static void
assert_value(EndpointParse function, JsonKind kind, const char *text, const char *expected)
{
	char *value = NULL;

	assert_null(parse(function, kind, text, &value));
	if (expected == NULL)
		assert_null(value);
	else
		assert_string_equal(value, expected);
	free(value);
}

static void
assert_refused(EndpointParse function, JsonKind kind, const char *text)
{
	char *value = NULL;

	if (parse(function, kind, text, &value) == NULL)
		fail_msg("\"%s\" was taken", text);
	free(value);
}

static void
test_amounts(void **state)
{
	static const char *const good[] = {"0", "1", "-1", "+1", "1.5", "100.00", "000.0100"};
	static const char *const bad[] = {"",	"-",  "1.",	 ".5",	"1e5", "0x1",  "1_0",
									  " 1", "1 ", "NaN", "1,5", "--1", "1.2.3"};

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_value(endpoint_amount_parse, JSON_STRING_VALUE, good[i], good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_amount_parse, JSON_STRING_VALUE, bad[i]);
	assert_value(endpoint_amount_parse, JSON_NUMBER_VALUE, "999999999999999", "999999999999999");
	assert_refused(endpoint_amount_parse, JSON_NUMBER_VALUE, "1.0");
	assert_refused(endpoint_amount_parse, JSON_NUMBER_VALUE, "1e2");
	assert_refused(endpoint_amount_parse, JSON_BOOLEAN_VALUE, "true");
	assert_refused(endpoint_amount_parse, JSON_OBJECT_VALUE, "{}");
}

static void
test_uuids(void **state)
{
	static const char uuid[] = "01a22065-b11f-70bc-81FF-4c1e7ee12daf";
	static const char *const bad[] = {
		"",
		"01a22065b11f70bc81ff4c1e7ee12daf",
		"{01a22065-b11f-70bc-81ff-4c1e7ee12daf}",
		"01a22065-b11f-70bc-81ff-4c1e7ee12da",
		"01a22065-b11f-70bc-81ff-4c1e7ee12daff",
		"01a22065-b11f-70bc-81ff-4c1e7ee12dag",
	};

	(void) state;
	assert_value(endpoint_uuid_parse, JSON_STRING_VALUE, uuid,
				 "01a22065-b11f-70bc-81ff-4c1e7ee12daf");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_uuid_parse, JSON_STRING_VALUE, bad[i]);
	assert_refused(endpoint_uuid_parse, JSON_NUMBER_VALUE, "1");
}

static void
test_texts_booleans_objects(void **state)
{
	(void) state;
	assert_value(endpoint_text_parse, JSON_STRING_VALUE, "", "");
	assert_refused(endpoint_text_parse, JSON_NUMBER_VALUE, "1");
	assert_value(endpoint_key_parse, JSON_STRING_VALUE, "order 17 \xc3\xa9", "order 17 \xc3\xa9");
	assert_refused(endpoint_key_parse, JSON_STRING_VALUE, "order\t17");
	assert_refused(endpoint_key_parse, JSON_STRING_VALUE, "order\x7f");
	assert_refused(endpoint_key_parse, JSON_NUMBER_VALUE, "17");
	assert_value(endpoint_boolean_parse, JSON_BOOLEAN_VALUE, "true", "true");
	assert_refused(endpoint_boolean_parse, JSON_STRING_VALUE, "true");
	assert_value(endpoint_object_parse, JSON_OBJECT_VALUE, "{\"a\":0.10}", "{\"a\":0.10}");
	assert_refused(endpoint_object_parse, JSON_ARRAY_VALUE, "[]");
}

static void
test_intervals(void **state)
{
	static const char *const good[] = {"7 days", "90 minutes", "1 hour 30 min", "1.5h",
									   "P7D",	 "PT1H30M",	   "-1 day",		"soon"};
	static const char *const bad[] = {"15", "1 day 12", "1:30", "01:30:00", "7 ", "1 day 02:00"};

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_value(endpoint_interval_parse, JSON_STRING_VALUE, good[i], good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_interval_parse, JSON_STRING_VALUE, bad[i]);
	assert_refused(endpoint_interval_parse, JSON_NUMBER_VALUE, "15");
}

static void
test_entity_tags(void **state)
{
	static const char *const bad[] = {"",		 "1",			"\"\"",	  "\"",	   "\"1", "\"1\" ",
									  "W/\"1\"", "\"1\",\"2\"", "\"-1\"", "\"a\"", "**"};

	(void) state;
	assert_value(endpoint_if_match_parse, JSON_STRING_VALUE, "\"0\"", "0");
	assert_value(endpoint_if_match_parse, JSON_STRING_VALUE, "\"12345678901234\"",
				 "12345678901234");
	assert_value(endpoint_if_match_parse, JSON_STRING_VALUE, "*", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_if_match_parse, JSON_STRING_VALUE, bad[i]);
}

static void
test_versions_and_limits(void **state)
{
	static const char *const bad[] = {"", "0", "1001", "-1", "1x", "10000", " 1"};

	(void) state;
	assert_value(endpoint_version_parse, JSON_STRING_VALUE, "17", "17");
	assert_refused(endpoint_version_parse, JSON_STRING_VALUE, "");
	assert_refused(endpoint_version_parse, JSON_STRING_VALUE, "-1");
	assert_value(endpoint_version_parse, JSON_STRING_VALUE, "999999999999999999",
				 "999999999999999999");
	assert_refused(endpoint_version_parse, JSON_STRING_VALUE, "1000000000000000000");
	assert_value(endpoint_currency_parse, JSON_STRING_VALUE, "USD", "USD");
	assert_refused(endpoint_currency_parse, JSON_STRING_VALUE, "");
	assert_refused(endpoint_currency_parse, JSON_STRING_VALUE, "usd");
	assert_refused(endpoint_currency_parse, JSON_STRING_VALUE, "A2345678901");
	assert_value(endpoint_limit_parse, JSON_STRING_VALUE, "1", "2");
	assert_value(endpoint_limit_parse, JSON_STRING_VALUE, "1000", "1001");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_limit_parse, JSON_STRING_VALUE, bad[i]);
}

static void
test_times(void **state)
{
	static const char *const good[] = {"2026-01-31",
									   "2026-01-31T23:59:59Z",
									   "2026-01-31t23:59:59z",
									   "2026-01-31 23:59:59.123456Z",
									   "2026-01-31T23:59:59-05:30",
									   "2026-01-31T23:59:59.5+00:00"};
	static const char *const bad[] = {"",
									  "now",
									  "2026",
									  "2026-1-31",
									  "2026-01-31T",
									  "2026-01-31T23:59Z",
									  "2026-01-31T23:59:59",
									  "2026-01-31T23:59:59.Z",
									  "2026-01-31T23:59:59+0100",
									  "2026-01-31T23:59:59Zx",
									  "2026-01-31Z",
									  "infinity"};

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_value(endpoint_time_parse, JSON_STRING_VALUE, good[i], good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(endpoint_time_parse, JSON_STRING_VALUE, bad[i]);
	/* A + in a query is a blank once it is decoded. */
	assert_value(endpoint_time_parse, JSON_STRING_VALUE, "2026-01-31T23:59:59 01:00",
				 "2026-01-31T23:59:59+01:00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_uuids),
		cmocka_unit_test(test_texts_booleans_objects),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_entity_tags),
		cmocka_unit_test(test_versions_and_limits),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
