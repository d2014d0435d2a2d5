/*
 * linger.h
 *		Whether records wait for company before they are sent. Pure.
 *
 * The producer lets a record wait a few milliseconds for others, because a request costs the
 * brokers and us as much with one record as with a hundred. That is a gain where many come and a
 * loss where one comes by itself. So whenever the stream runs dry the caller asks here: seldom
 * enough, and what waits is to be sent at once. Under load the stream runs dry often, or never.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How long a record may wait. */
#define LINGER_MS	   5
#define LINGER_MS_TEXT "5"

typedef struct Linger
{
	int64_t window;	 /* number of the newest one, in which something ran dry */
	uint32_t here;	 /* how often it did in that window */
	uint32_t before; /* and in the one before it */
} Linger;

/* The stream ran dry after it had something. Whether what waits is to be sent at once. */
bool linger_is_over(Linger *linger, int64_t now_us);
