/*
 * array.h
 *		Literals of PostgreSQL's arrays, for a statement that takes many rows at once. Pure.
 *
 * Zero-initialise; endpoint_array_add() for each element; endpoint_array_end().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct EndpointArray
{
	char *text;
	size_t bytes;
	size_t room;
	bool has_failed; /* there was no memory */
} EndpointArray;

/* NULL: SQL's NULL. */
void endpoint_array_add(EndpointArray *array, const char *value);

/* The literal, from malloc(); NULL when out of memory. The array is as at its beginning. */
char *endpoint_array_end(EndpointArray *array);
