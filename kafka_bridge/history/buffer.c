/*
 * buffer.c
 *		Growth by doubling, so that appending costs the same on average however long it gets.
 */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_INITIAL 4096

bool
buffer_reserve(Buffer *buffer, size_t more)
{
	size_t wanted = buffer->length + more;
	size_t capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_BYTES_INITIAL;

	if (wanted <= buffer->capacity)
		return true;
	while (capacity < wanted)
		capacity *= 2;

	char *bytes = realloc(buffer->bytes, capacity);

	if (bytes == NULL)
		return false;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

bool
buffer_append(Buffer *buffer, const void *bytes, size_t length)
{
	if (!buffer_reserve(buffer, length))
		return false;
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	return true;
}

void
buffer_free(Buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (Buffer){.bytes = NULL};
}
