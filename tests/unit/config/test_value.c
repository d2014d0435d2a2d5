/*
 * test_value.c
 *		Values of options: units, bounds, words, and what an error says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/value.h"

typedef struct NumberCase
{
	ConfigType type;
	const char *text;
	bool valid;
	int64_t number;
} NumberCase;

static const NumberCase number_cases[] = {
	{CONFIG_INTEGER, "0", true, 0},
	{CONFIG_INTEGER, "-12", true, -12},
	{CONFIG_INTEGER, "9223372036854775807", true, INT64_MAX},
	{CONFIG_INTEGER, "9223372036854775808", false, 0},
	{CONFIG_INTEGER, "12x", false, 0},
	{CONFIG_INTEGER, "5s", false, 0},
	{CONFIG_INTEGER, " 5", false, 0},
	{CONFIG_INTEGER, "+5", false, 0},
	{CONFIG_INTEGER, "0x10", false, 0},
	{CONFIG_INTEGER, "", false, 0},
	{CONFIG_INTEGER, "-", false, 0},
	{CONFIG_DURATION, "250", true, 250},
	{CONFIG_DURATION, "250ms", true, 250},
	{CONFIG_DURATION, "5 s", true, 5000},
	{CONFIG_DURATION, "10min", true, 600000},
	{CONFIG_DURATION, "2h", true, 7200000},
	{CONFIG_DURATION, "7d", true, 604800000},
	{CONFIG_DURATION, "5m", false, 0},
	{CONFIG_DURATION, "1.5s", false, 0},
	{CONFIG_DURATION, "200000000000d", false, 0},
	{CONFIG_BYTES, "512", true, 512},
	{CONFIG_BYTES, "512B", true, 512},
	{CONFIG_BYTES, "64kB", true, 65536},
	{CONFIG_BYTES, "64KB", true, 65536},
	{CONFIG_BYTES, "16MB", true, 16777216},
	{CONFIG_BYTES, "1GiB", true, 1073741824},
	{CONFIG_BYTES, "1TB", false, 0},
};

static void
test_numbers(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(number_cases) / sizeof(number_cases[0]); i++)
	{
		const NumberCase *expected = &number_cases[i];
		const ConfigOption option = {.flag = "n", .type = expected->type};
		int64_t number = 0;
		char error[256];
		bool valid = config_value_parse(&option, expected->text, &number, error, sizeof(error));

		if (valid != expected->valid || number != expected->number)
			fail_msg("\"%s\" gave %d, %ld", expected->text, valid, (long) number);
	}
}

static void
test_bounds_and_their_error(void **state)
{
	const ConfigOption option = {.flag = "t",
								 .type = CONFIG_DURATION,
								 .minimum = 100,
								 .maximum = 600000};
	int64_t number = 7;
	char error[256];

	(void) state;
	assert_true(config_value_parse(&option, "100ms", &number, error, sizeof(error)));
	assert_true(config_value_parse(&option, "10min", &number, error, sizeof(error)));
	assert_false(config_value_parse(&option, "99", &number, error, sizeof(error)));
	assert_false(config_value_parse(&option, "11min", &number, error, sizeof(error)));
	assert_string_equal(error, "\"11min\" is out of range: expected 100ms to 10min");
	assert_int_equal(number, 600000);
}

static void
test_numbers_printed(void **state)
{
	char text[CONFIG_VALUE_TEXT_BYTES];

	(void) state;
	config_number_print(CONFIG_DURATION, 90000, text, sizeof(text));
	assert_string_equal(text, "90s");
	config_number_print(CONFIG_DURATION, 0, text, sizeof(text));
	assert_string_equal(text, "0");
	config_number_print(CONFIG_BYTES, 3 << 20, text, sizeof(text));
	assert_string_equal(text, "3MB");
	config_number_print(CONFIG_INTEGER, 1000, text, sizeof(text));
	assert_string_equal(text, "1000");
}

static void
test_booleans(void **state)
{
	static const char *const yes[] = {"on", "TRUE", "yes", "1"};
	static const char *const no[] = {"off", "False", "no", "0"};
	const ConfigOption option = {.flag = "b", .type = CONFIG_BOOLEAN};
	bool value = false;
	char error[256];

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		assert_true(config_value_parse(&option, yes[i], &value, error, sizeof(error)));
		assert_true(value);
		assert_true(config_value_parse(&option, no[i], &value, error, sizeof(error)));
		assert_false(value);
	}
	assert_false(config_value_parse(&option, "maybe", &value, error, sizeof(error)));
}

static void
test_choices(void **state)
{
	static const ConfigChoice choices[] = {{"stop", 3}, {"dlq", 5}, {NULL, 0}};
	const ConfigOption option = {.flag = "e", .type = CONFIG_ENUM, .choices = choices};
	int value = 0;
	char error[256];

	(void) state;
	assert_true(config_value_parse(&option, "DLQ", &value, error, sizeof(error)));
	assert_int_equal(value, 5);
	assert_false(config_value_parse(&option, "dl", &value, error, sizeof(error)));
	assert_string_equal(error, "\"dl\" is not a choice: expected one of stop, dlq");
}

static void
test_properties_are_sorted_and_unique(void **state)
{
	const ConfigOption option = {.flag = "p", .type = CONFIG_PROPERTIES};
	ConfigProperties properties = {0};

	(void) state;
	assert_true(config_property_set(&properties, "b", "1"));
	assert_true(config_property_set(&properties, "c", "2"));
	assert_true(config_property_set(&properties, "a", "3"));
	assert_true(config_property_set(&properties, "b", "4"));
	assert_int_equal(properties.count, 3);
	assert_string_equal(properties.items[0].name, "a");
	assert_string_equal(properties.items[2].name, "c");
	assert_string_equal(config_property_get(&properties, "b"), "4");
	assert_null(config_property_get(&properties, "bb"));
	config_value_free(&option, &properties);
	assert_int_equal(properties.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bounds_and_their_error),
		cmocka_unit_test(test_numbers_printed),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_properties_are_sorted_and_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
