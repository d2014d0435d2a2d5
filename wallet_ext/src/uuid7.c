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

/* Random bytes drawn for many ids at once: a draw costs as much as a tenth of a transfer. Filled in
 * the backend that uses it, never before a fork. */
#define RANDOM_BYTES_PER_ID (UUID_LEN - sizeof(uint64))
#define POOL_BYTES			(64 * RANDOM_BYTES_PER_ID)

static uint8 pool[POOL_BYTES];
static size_t pool_used = POOL_BYTES;

static void
pool_take(uint8 *bytes)
{
	if (pool_used == POOL_BYTES)
	{
		if (!pg_strong_random(pool, POOL_BYTES))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
		pool_used = 0;
	}
	memcpy(bytes, pool + pool_used, RANDOM_BYTES_PER_ID);
	pool_used += RANDOM_BYTES_PER_ID;
}

void
uuid7_make(TimestampTz at, pg_uuid_t *id)
{
	uint64 unix_us = (uint64) (at + UNIX_EPOCH_OFFSET_US);
	uint64 ms = unix_us / 1000;
	uint64 fraction = unix_us % 1000 * 4096 / 1000;
	uint64 head = pg_hton64(ms << 16 | (uint64) 7 << 12 | fraction);

	memcpy(id->data, &head, sizeof(head));
	pool_take(id->data + sizeof(head));
	/* Variant of RFC 9562: the two bits 10. */
	id->data[8] = (id->data[8] & 0x3f) | 0x80;
}

static bool
millisecond_lowest(int64 ms, pg_uuid_t *id)
{
	if (ms < 0 || ms >> 48 != 0)
		return false;

	uint64 head = pg_hton64((uint64) ms << 16);

	memset(id->data, 0, UUID_LEN);
	memcpy(id->data, &head, sizeof(head));
	return true;
}

bool
uuid7_lowest(TimestampTz at, pg_uuid_t *id)
{
	return !TIMESTAMP_NOT_FINITE(at) && millisecond_lowest((at + UNIX_EPOCH_OFFSET_US) / 1000, id);
}

bool
uuid7_lowest_after(TimestampTz at, pg_uuid_t *id)
{
	return !TIMESTAMP_NOT_FINITE(at) &&
		   millisecond_lowest((at + UNIX_EPOCH_OFFSET_US) / 1000 + 1, id);
}

TimestampTz
uuid7_end_of_millisecond(const pg_uuid_t *id)
{
	uint64 head = 0;

	memcpy(&head, id->data, sizeof(head));
	return (TimestampTz) ((pg_ntoh64(head) >> 16) + 1) * 1000 - UNIX_EPOCH_OFFSET_US;
}
