/*
 * memory.c
 *		The programs' memory: a program that is killed frees nothing, the end of the run does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "substitutes.h"

#define ARENA_BYTES (512UL * 1024 * 1024)
#define HEADER		16
#define CLASSES		24 /* of blocks of 2^n bytes */

static char *arena;
static size_t arena_used;
static void *free_blocks[CLASSES];

static char *
pages_new(size_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		abort();
	return pages;
}

/* The page below stays forbidden: a stack that grows too far ends the program. */
char *
stack_new(size_t bytes)
{
	char *pages = pages_new(bytes + 4096);

	if (mprotect(pages, 4096, PROT_NONE) != 0)
		abort();
	return pages + 4096;
}

void
memory_begin(void)
{
	if (arena == NULL)
		arena = pages_new(ARENA_BYTES);
	arena_used = 0;
	memset(free_blocks, 0, sizeof(free_blocks));
}

static unsigned
class_of(size_t bytes)
{
	unsigned class = 5;

	while (((size_t) 1 << class) < bytes)
		class ++;
	return class;
}

void *
__wrap_malloc(size_t bytes)
{
	unsigned class = class_of(bytes + HEADER);
	char *block;

	if (class >= CLASSES)
		abort();
	block = free_blocks[class];
	if (block != NULL)
		memcpy(&free_blocks[class], block + HEADER, sizeof(void *));
	else
	{
		block = arena + arena_used;
		arena_used += (size_t) 1 << class;
		if (arena_used > ARENA_BYTES)
			abort();
	}
	memcpy(block, &class, sizeof(class));
	return block + HEADER;
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
	void *memory = __wrap_malloc(count * bytes);

	return memset(memory, 0, count * bytes);
}

static bool
is_ours(const void *memory)
{
	return (const char *) memory >= arena && (const char *) memory < arena + ARENA_BYTES;
}

void
__wrap_free(void *memory)
{
	unsigned class;
	char *block = (char *) memory - HEADER;

	if (!is_ours(memory))
	{
		__real_free(memory);
		return;
	}
	memcpy(&class, block, sizeof(class));
	memcpy(memory, &free_blocks[class], sizeof(void *));
	free_blocks[class] = block;
}

void *
__wrap_realloc(void *memory, size_t bytes)
{
	unsigned class;
	void *larger;

	if (memory == NULL)
		return __wrap_malloc(bytes);
	if (!is_ours(memory))
		return __real_realloc(memory, bytes);
	memcpy(&class, (char *) memory - HEADER, sizeof(class));
	if (bytes <= ((size_t) 1 << class) - HEADER)
		return memory;
	larger = __wrap_malloc(bytes);
	memcpy(larger, memory, ((size_t) 1 << class) - HEADER);
	__wrap_free(memory);
	return larger;
}
