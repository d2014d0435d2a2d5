/*
 * test_array.c
 *		Array literals: every element comes back as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint/array.h"

static void
test_elements(void **state)
{
	EndpointArray array = {0};
	char *text;

	(void) state;
	endpoint_array_add(&array, "a");
	endpoint_array_add(&array, NULL);
	endpoint_array_add(&array, "NULL");
	endpoint_array_add(&array, "");
	endpoint_array_add(&array, "{\"a\\b\", c}");
	text = endpoint_array_end(&array);
	assert_string_equal(text, "{\"a\",NULL,\"NULL\",\"\",\"{\\\"a\\\\b\\\", c}\"}");
	free(text);
	/* The same memory is not used again. */
	text = endpoint_array_end(&array);
	assert_string_equal(text, "{}");
	free(text);
}

static void
test_grows(void **state)
{
	EndpointArray array = {0};
	char value[1000];
	size_t count = 500;

	(void) state;
	memset(value, '"', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < count; i++)
		endpoint_array_add(&array, value);

	char *text = endpoint_array_end(&array);

	/* Each quote has a backslash; commas between, braces around. */
	assert_int_equal(strlen(text), count * (2 * (sizeof(value) - 1) + 2) + count - 1 + 2);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
