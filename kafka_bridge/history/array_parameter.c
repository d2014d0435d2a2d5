/*
 * array_parameter.c
 *		PostgreSQL's binary array format: dimensions, flags, element type, then per dimension length
 *		and lower bound, then each element's length and bytes; integers big-endian.
 */
#include "array_parameter.h"

#include <assert.h>

#include "wallet_event.h"

#define DIMENSION_BYTES 8
#define HEADER_BYTES	(12 + 2 * DIMENSION_BYTES)
#define COUNT_AT		12

static void
bytes_add(ArrayParameter *array, const char *bytes, size_t length)
{
	if (!buffer_append(&array->buffer, bytes, length))
		array->failed = true;
}

static void
element_add(ArrayParameter *array, const char *bytes, size_t length)
{
	char prefix[4];

	wallet_put_uint32(prefix, (uint32_t) length);
	bytes_add(array, prefix, sizeof(prefix));
	bytes_add(array, bytes, length);
	array->count++;
}

static void
header_add(ArrayParameter *array, uint32_t element_type, uint32_t columns)
{
	bool is_table = columns > 0;
	char header[HEADER_BYTES];

	array->buffer.length = 0;
	array->element_type = element_type;
	array->count = 0;
	array->columns = columns;
	array->failed = false;
	wallet_put_uint32(header, is_table ? 2 : 1);
	wallet_put_uint32(header + 4, 0);
	wallet_put_uint32(header + 8, element_type);
	wallet_put_uint32(header + COUNT_AT, 0);
	wallet_put_uint32(header + 16, 1);
	wallet_put_uint32(header + 20, columns);
	wallet_put_uint32(header + 24, 1);
	bytes_add(array, header, is_table ? HEADER_BYTES : HEADER_BYTES - DIMENSION_BYTES);
}

void
array_begin(ArrayParameter *array, uint32_t element_type)
{
	header_add(array, element_type, 0);
}

void
array_begin_table(ArrayParameter *array, uint32_t element_type, uint32_t columns)
{
	header_add(array, element_type, columns);
}

void
array_add_int8(ArrayParameter *array, int64_t value)
{
	char bytes[8];

	wallet_put_uint64(bytes, (uint64_t) value);
	element_add(array, bytes, sizeof(bytes));
}

void
array_add_int4(ArrayParameter *array, int32_t value)
{
	char bytes[4];

	wallet_put_uint32(bytes, (uint32_t) value);
	element_add(array, bytes, sizeof(bytes));
}

void
array_add_text(ArrayParameter *array, const char *bytes, size_t length)
{
	element_add(array, bytes, length);
}

void
array_add_uuid(ArrayParameter *array, const EventUuid *uuid)
{
	element_add(array, (const char *) uuid->bytes, sizeof(uuid->bytes));
}

void
array_end(ArrayParameter *array, PgParameters *parameters)
{
	if (array->failed)
	{
		pg_parameters_fail(parameters);
		return;
	}
	assert(array->columns == 0 || array->count % array->columns == 0);
	wallet_put_uint32(array->buffer.bytes + COUNT_AT,
					  array->columns == 0 ? array->count : array->count / array->columns);
	pg_parameters_add_binary(parameters, array->buffer.bytes, array->buffer.length);
}

void
array_free(ArrayParameter *array)
{
	buffer_free(&array->buffer);
}
