/*
 * wake.c
 *		A descriptor that one thread makes readable to wake another one out of poll(2).
 */
#include "base/wake.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
wake_new(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void
wake_set(int wake_fd)
{
	uint64_t one = 1;

	/* It can only fail when it is readable already. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

void
wake_take(int wake_fd)
{
	uint64_t count;

	/* Nothing to read is fine: the wake was taken before. */
	if (read(wake_fd, &count, sizeof(count)) < 0)
		return;
}
