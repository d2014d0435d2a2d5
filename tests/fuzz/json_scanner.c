/*
 * json_scanner.c
 *		The scanner against jansson: both take the same texts, but for what they say they don't.
 *		Input: the text.
 */
#include "json/scanner.h"

#include <jansson.h>

#include "fuzz_input.h"

typedef struct Members
{
	size_t count;
	size_t string_bytes;
} Members;

/* JsonMemberFunction */
static const char *
member_count(const JsonMember *member, void *context)
{
	Members *members = context;

	members->count++;
	if (member->kind == JSON_STRING_VALUE)
	{
		char *decoded = malloc(member->value.length + 1);

		FUZZ_CHECK(decoded != NULL);

		size_t bytes = json_string_decode(member->value, decoded);

		FUZZ_CHECK(bytes <= member->value.length);
		decoded[bytes] = '\0';
		FUZZ_CHECK(json_string_equals(member->value, decoded));
		members->string_bytes += bytes;
		free(decoded);
	}
	return NULL;
}

static size_t
depth_most(const char *text, size_t size)
{
	size_t depth = 0;
	size_t most = 0;

	for (size_t i = 0; i < size; i++)
	{
		if (text[i] == '{' || text[i] == '[')
			depth++;
		else if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		most = depth > most ? depth : most;
	}
	return most;
}

/* The strings of the outermost array or object, decoded by the other reader. */
static size_t
string_bytes(const json_t *value)
{
	size_t bytes = 0;

	for (size_t i = 0; i < json_array_size(value); i++)
		bytes += json_string_length(json_array_get(value, i));
	return bytes;
}

static void
compare(const char *text, size_t size, const char *wrong, const Members *members, bool is_array)
{
	json_error_t error;
	json_t *value = json_loadb(text, size, 0, &error);

	if (wrong == NULL && value == NULL)
		/* jansson's numbers have a range, and its nesting a lower limit. */
		FUZZ_CHECK(json_error_code(&error) == json_error_numeric_overflow ||
				   json_error_code(&error) == json_error_stack_overflow);
	if (wrong != NULL && value != NULL)
		/* jansson passes by a NUL behind a number. */
		FUZZ_CHECK(is_array != json_is_array(value) || depth_most(text, size) >= JSON_DEPTH_MAX ||
				   memchr(text, '\0', size) != NULL);
	if (wrong == NULL && value != NULL && is_array)
		FUZZ_CHECK(json_array_size(value) == members->count &&
				   string_bytes(value) == members->string_bytes);
	json_decref(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size > 0 ? size : 1);
	Members object = {0};
	Members array = {0};

	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);

	const char *no_object = json_scan_object(text, size, member_count, &object);
	const char *no_array = json_scan_array(text, size, member_count, &array);

	FUZZ_CHECK(no_object != NULL || no_array != NULL);
	compare(text, size, no_object, &object, false);
	compare(text, size, no_array, &array, true);
	free(text);
	return 0;
}
