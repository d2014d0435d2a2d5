/*
 * uuid7.c
 *		UUID version 7.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "port/pg_bswap.h"

#include "uuid7.h"

#define UNIX_EPOCH_OFFSET_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC)

void
uuid7_make(TimestampTz at, pg_uuid_t *id)
{
	uint64 unix_us = (uint64) (at + UNIX_EPOCH_OFFSET_US);
	uint64 ms = unix_us / 1000;
	uint64 fraction = unix_us % 1000 * 4096 / 1000;
	uint64 head = pg_hton64(ms << 16 | (uint64) 7 << 12 | fraction);

	memcpy(id->data, &head, sizeof(head));
	if (!pg_strong_random(id->data + sizeof(head), UUID_LEN - sizeof(head)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	/* Variant of RFC 9562: the two bits 10. */
	id->data[8] = (id->data[8] & 0x3f) | 0x80;
}
