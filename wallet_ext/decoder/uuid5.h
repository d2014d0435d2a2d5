/*
 * uuid5.h
 *		Name-based UUIDs, version 5.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UUID5_BYTES			 16
#define UUID5_NAME_BYTES_MAX 39

/*
 * The UUID version 5 of a name of at most UUID5_NAME_BYTES_MAX bytes in the name space, which is
 * itself a UUID. Can't fail.
 */
extern void uuid5_make(uint8_t uuid[UUID5_BYTES], const uint8_t name_space[UUID5_BYTES],
					   const char *name, size_t name_bytes);
