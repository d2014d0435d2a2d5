/*
 * server_clock.c
 *		A time that was under way for a while is a little old: by less than anything here counts.
 */
#include "server_clock.h"

void
server_clock_tell(ServerClock *clock, int64_t server_us, int64_t monotonic_us)
{
	*clock = (ServerClock){server_us, monotonic_us};
}

int64_t
server_clock_now(const ServerClock *clock, int64_t monotonic_us, int64_t wall_us)
{
	return clock->told_us == 0 ? wall_us : clock->told_us + (monotonic_us - clock->monotonic_us);
}
