/*
 * scanner.h
 *		Strict JSON (RFC 8259) validation that hands out the members of the outermost object
 *		or array.
 *
 * Pure: no allocation, no copy; every slice points into the text that was scanned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Containers inside each other; PostgreSQL's own limit (max_stack_depth) is lower. */
#define JSON_DEPTH_MAX 16384

typedef enum JsonKind
{
	JSON_NULL_VALUE,
	JSON_BOOLEAN_VALUE,
	JSON_NUMBER_VALUE,
	JSON_STRING_VALUE,
	JSON_OBJECT_VALUE,
	JSON_ARRAY_VALUE
} JsonKind;

/* Bytes of the text. Of a string: what stands between the quotes, escapes untouched. */
typedef struct JsonSlice
{
	const char *bytes;
	size_t length;
} JsonSlice;

typedef struct JsonMember
{
	JsonSlice name;
	JsonKind kind;
	JsonSlice value;
} JsonMember;

/* Called for each member in order; a reason (static text) instead of NULL ends the scan. */
typedef const char *(*JsonMemberFunction)(const JsonMember *member, void *context);

/*
 * Validates the whole text as one JSON object and reports its members. Returns NULL, or why the
 * text is refused: static text, not owned by the caller. Refuses what jsonb cannot hold: invalid
 * UTF-8, \u0000, half surrogates.
 */
const char *json_scan_object(const char *text, size_t length, JsonMemberFunction function,
							 void *context);

/* The same for a JSON array: its elements are members without a name. */
const char *json_scan_array(const char *text, size_t length, JsonMemberFunction function,
							void *context);

/*
 * Writes a scanned string without its escapes to `to`, which must have room for string.length
 * bytes. Returns the bytes written; no terminating zero.
 */
size_t json_string_decode(JsonSlice string, char *to);

/* True if the scanned string, escapes resolved, is the given text. */
bool json_string_equals(JsonSlice string, const char *text);
