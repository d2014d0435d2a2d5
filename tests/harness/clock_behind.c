/*
 * clock_behind.c
 *		Preloaded into a program, shows it a wall clock that is CLOCK_BEHIND_S seconds behind.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ISO C knows no conversion from an object pointer to a function's. */
#define REAL(name) (*(__typeof__(&name) *) &(void *){dlsym(RTLD_NEXT, #name)})

static time_t
seconds_behind(void)
{
	const char *text = getenv("CLOCK_BEHIND_S");

	return text != NULL ? atol(text) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int) syscall(SYS_clock_gettime, clock, now);

	if (result == 0 && clock == CLOCK_REALTIME)
		now->tv_sec -= seconds_behind();
	return result;
}

/* The system waits by its own clock. */
int
pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline)
{
	struct timespec real = *deadline;

	real.tv_sec += seconds_behind();
	return REAL(pthread_timedjoin_np)(thread, result, &real);
}
