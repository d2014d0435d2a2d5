/*
 * lsn.h
 *		WAL positions as text, the way PostgreSQL writes them: 0/16B3748. Pure.
 */
#pragma once

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define LSN_TEXT_BYTES 20

/* Writes and returns text. */
static inline const char *
lsn_write(uint64_t lsn, char text[LSN_TEXT_BYTES])
{
	snprintf(text, LSN_TEXT_BYTES, "%" PRIX32 "/%" PRIX32, (uint32_t) (lsn >> 32), (uint32_t) lsn);
	return text;
}

/* Reads the whole text; false where it is no position. */
static inline bool
lsn_read(const char *text, uint64_t *lsn)
{
	uint32_t high;
	uint32_t low;
	int used = 0;

	if (sscanf(text, "%8" SCNx32 "/%8" SCNx32 "%n", &high, &low, &used) != 2 || text[used] != '\0')
		return false;
	*lsn = (uint64_t) high << 32 | low;
	return true;
}
