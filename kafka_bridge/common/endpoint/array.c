/*
 * array.c
 *		Every element is quoted, so that none is taken for syntax.
 */
#include "endpoint/array.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST_BYTES 256
#define QUOTES_BYTES	 4 /* of an element: before it, both quotes, and the end of the text */

static bool
array_make_room(EndpointArray *array, size_t more)
{
	size_t room = array->room > 0 ? array->room : ROOM_FIRST_BYTES;

	while (room < array->bytes + more)
		room *= 2;
	if (room == array->room)
		return true;

	char *text = realloc(array->text, room);

	if (text == NULL)
	{
		array->has_failed = true;
		return false;
	}
	array->text = text;
	array->room = room;
	return true;
}

void
endpoint_array_add(EndpointArray *array, const char *value)
{
	static const char null[] = "NULL";
	size_t most = value != NULL ? 2 * strlen(value) : sizeof(null);

	if (!array_make_room(array, most + QUOTES_BYTES))
		return;
	array->text[array->bytes] = array->bytes == 0 ? '{' : ',';
	array->bytes++;
	if (value == NULL)
	{
		memcpy(array->text + array->bytes, null, sizeof(null) - 1);
		array->bytes += sizeof(null) - 1;
		return;
	}
	array->text[array->bytes++] = '"';
	for (; *value != '\0'; value++)
	{
		if (*value == '"' || *value == '\\')
			array->text[array->bytes++] = '\\';
		array->text[array->bytes++] = *value;
	}
	array->text[array->bytes++] = '"';
}

char *
endpoint_array_end(EndpointArray *array)
{
	char *text = NULL;

	if (array_make_room(array, sizeof("{}")) && !array->has_failed)
	{
		text = array->text;
		if (array->bytes == 0)
			text[array->bytes++] = '{';
		text[array->bytes++] = '}';
		text[array->bytes] = '\0';
	}
	else
		free(array->text);
	*array = (EndpointArray){0};
	return text;
}
