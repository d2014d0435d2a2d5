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
#include "postgres/parameters.h"

static void
test_integers(void **state)
{
	static const unsigned char expected[] = {0,	   0,	 0,	   1,	 0,	   0,	 0,	   0,	0,
											 0,	   0,	 20,   0,	 0,	   0,	 2,	   0,	0,
											 0,	   1,	 0,	   0,	 0,	   8,	 0,	   0,	0,
											 0,	   0,	 0,	   0,	 7,	   0,	 0,	   0,	8,
											 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE};
	ArrayParameter array = {.failed = false};
	PgParameters parameters = {.count = 0};

	(void) state;
	array_begin(&array, ARRAY_ELEMENT_INT8);
	array_add_int8(&array, 7);
	array_add_int8(&array, -2);
	array_end(&array, &parameters);
	assert_int_equal(array.buffer.length, sizeof(expected));
	assert_memory_equal(array.buffer.bytes, expected, sizeof(expected));
	/* It is the query's first parameter now, a binary one. */
	assert_int_equal(parameters.count, 1);
	assert_ptr_equal(parameters.values[0], array.buffer.bytes);
	assert_int_equal(parameters.lengths[0], sizeof(expected));
	assert_int_equal(parameters.formats[0], 1);
	array_free(&array);
}

static void
test_table(void **state)
{
	static const unsigned char expected[] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0,
											 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,  0, 8, 0, 0, 0, 0,
											 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0,  0, 0, 0, 9};
	ArrayParameter array = {.failed = false};
	PgParameters parameters = {.count = 0};

	(void) state;
	array_begin_table(&array, ARRAY_ELEMENT_INT8, 2);
	array_add_int8(&array, 7);
	array_add_int8(&array, 9);
	array_end(&array, &parameters);
	assert_int_equal(array.buffer.length, sizeof(expected));
	assert_memory_equal(array.buffer.bytes, expected, sizeof(expected));
	array_free(&array);
}

static void
test_out_of_memory_fails_the_query(void **state)
{
	ArrayParameter array = {.failed = false};
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;
	Wait wait = wait_begin(-1, 0);

	(void) state;
	pg_parameters_add_text(&parameters, "group");
	array_begin(&array, ARRAY_ELEMENT_INT4);
	array.failed = true;
	array_end(&array, &parameters);

	Status status =
		pg_parameters_run(&parameters, NULL, &wait, (PgQuery){.sql = "SELECT"}, &result);

	assert_int_equal(status.class, STATUS_BUG);
	assert_null(result);
	array_free(&array);
}

static void
test_texts_and_reuse(void **state)
{
	static const unsigned char expected[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25,  0,
											 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i'};
	ArrayParameter array = {.failed = false};
	PgParameters parameters = {.count = 0};
	EventUuid uuid = {{9}};

	(void) state;
	array_begin(&array, ARRAY_ELEMENT_UUID);
	array_add_uuid(&array, &uuid);
	array_end(&array, &parameters);
	assert_int_equal(array.buffer.length, 20 + 4 + 16);
	array_begin(&array, ARRAY_ELEMENT_TEXT);
	array_add_text(&array, "hi", 2);
	array_end(&array, &parameters);
	assert_int_equal(array.buffer.length, sizeof(expected));
	assert_memory_equal(array.buffer.bytes, expected, sizeof(expected));
	array_free(&array);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_out_of_memory_fails_the_query),
		cmocka_unit_test(test_texts_and_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
