/*
 * request_id.c
 *		128 random bits: no two requests of any process share a name.
 */
#include "http/request_id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

static const char id_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:=+/@";

void
http_request_id_fill(const char *given, char id[HTTP_REQUEST_ID_BYTES])
{
	uint64_t bits[2] = {(uint64_t) clock_wall_us(), (uint64_t) (uintptr_t) id};
	size_t bytes = given != NULL ? strlen(given) : 0;

	if (bytes > 0 && bytes < HTTP_REQUEST_ID_BYTES && strspn(given, id_characters) == bytes)
	{
		memcpy(id, given, bytes + 1);
		return;
	}
	/* Without entropy, in the first moments of a machine, the time has to do. */
	if (getrandom(bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits[0] = (uint64_t) clock_wall_us();
	snprintf(id, HTTP_REQUEST_ID_BYTES, "%016llx%016llx", (unsigned long long) bits[0],
			 (unsigned long long) bits[1]);
}
