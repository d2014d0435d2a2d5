/*
 * buffer.h
 *		Bytes that grow at their end. Zero-initialised is empty; buffer_free() at last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Buffer
{
	char *bytes;
	size_t length;
	size_t capacity;
} Buffer;

/* Makes room for so many more bytes. False when out of memory: the buffer is unchanged. */
bool buffer_reserve(Buffer *buffer, size_t more);

bool buffer_append(Buffer *buffer, const void *bytes, size_t length);

/* Frees the bytes; the buffer may be used again. */
void buffer_free(Buffer *buffer);
