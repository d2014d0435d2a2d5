/*
 * array_parameter.h
 *		Arrays as binary query parameters: many rows in one statement, without quoting. Pure.
 *
 * Call order: array_begin() or array_begin_table(); one of the additions for each element;
 * array_end(), which makes it the next parameter of a query; array_free() after the query has run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "event_reader.h"
#include "postgres/parameters.h"

/* Types by OID: fixed in PostgreSQL's catalog for ever. */
#define ARRAY_ELEMENT_INT8 20
#define ARRAY_ELEMENT_INT4 23
#define ARRAY_ELEMENT_TEXT 25
#define ARRAY_ELEMENT_UUID 2950

typedef struct ArrayParameter
{
	Buffer buffer;
	uint32_t element_type;
	uint32_t count;
	uint32_t columns; /* of a table; 0: a plain array */
	bool failed;
} ArrayParameter;

/* Starts a new array in the same memory; zero-initialise before the first one. */
void array_begin(ArrayParameter *array, uint32_t element_type);
/* The same for an array of two dimensions: what is added goes row by row. */
void array_begin_table(ArrayParameter *array, uint32_t element_type, uint32_t columns);
void array_add_int8(ArrayParameter *array, int64_t value);
void array_add_int4(ArrayParameter *array, int32_t value);
void array_add_text(ArrayParameter *array, const char *bytes, size_t length);
void array_add_uuid(ArrayParameter *array, const EventUuid *uuid);
/* A failed addition (out of memory) makes the parameters fail. */
void array_end(ArrayParameter *array, PgParameters *parameters);
void array_free(ArrayParameter *array);
