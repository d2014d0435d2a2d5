/*
 * descriptors.c
 *		The soft limit is often 1024 for the sake of select(2), which is used nowhere here.
 */
#include "base/descriptors.h"

#include <sys/resource.h>

int64_t
descriptors_raise(int64_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;

	rlim_t before = limit.rlim_cur;

	if (limit.rlim_cur >= (rlim_t) wanted)
		return limit.rlim_cur < INT32_MAX ? (int64_t) limit.rlim_cur : INT32_MAX;
	limit.rlim_cur = (rlim_t) wanted < limit.rlim_max ? (rlim_t) wanted : limit.rlim_max;
	return (int64_t) (setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before);
}
