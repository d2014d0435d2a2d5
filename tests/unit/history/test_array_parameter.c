/*
 * test_array_parameter.c
 *		Arrays byte for byte in PostgreSQL's binary format; the server itself reads them in the
 *		process tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "history/array_parameter.h"

static void
test_integers(void **state)
{
	static const unsigned char expected[] = {0,	   0,	 0,	   1,	 0,	   0,	 0,	   0,	0,
											 0,	   0,	 20,   0,	 0,	   0,	 2,	   0,	0,
											 0,	   1,	 0,	   0,	 0,	   8,	 0,	   0,	0,
											 0,	   0,	 0,	   0,	 7,	   0,	 0,	   0,	8,
											 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE};
	ArrayParameter array = {.failed = false};

	(void) state;
	array_begin(&array, ARRAY_ELEMENT_INT8);
	array_add_int8(&array, 7);
	array_add_int8(&array, -2);
	assert_true(array_end(&array));
	assert_int_equal(array.buffer.length, sizeof(expected));
	assert_memory_equal(array.buffer.bytes, expected, sizeof(expected));
	array_free(&array);
}

static void
test_texts_and_reuse(void **state)
{
	static const unsigned char expected[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25,  0,
											 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i'};
	ArrayParameter array = {.failed = false};
	EventUuid uuid = {{9}};

	(void) state;
	array_begin(&array, ARRAY_ELEMENT_UUID);
	array_add_uuid(&array, &uuid);
	assert_true(array_end(&array));
	assert_int_equal(array.buffer.length, 20 + 4 + 16);
	array_begin(&array, ARRAY_ELEMENT_TEXT);
	array_add_text(&array, "hi", 2);
	assert_true(array_end(&array));
	assert_int_equal(array.buffer.length, sizeof(expected));
	assert_memory_equal(array.buffer.bytes, expected, sizeof(expected));
	array_free(&array);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_texts_and_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
