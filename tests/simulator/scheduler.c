/*
 * scheduler.c
 *		One run's time, chance and threads.
 */
#include "scheduler.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "substitutes.h"

#define THREADS_MAX		48
#define STACK_BYTES		(256 * 1024)
#define EVENTS_MAX		4096
#define DESCRIPTORS_MAX 128
#define DESCRIPTOR_BASE 5000 /* no number of the operating system's */
#define STEP_US_MAX		300

typedef struct Thread
{
	ucontext_t context;
	char *stack;
	int process;
	bool used;
	bool ended;
	bool detached;
	ReadyCheck ready; /* NULL: it may run at any time */
	void *ready_context;
	int64_t until_us;
	bool was_ready;
	void *(*run)(void *);
	void *argument;
} Thread;

typedef struct Event
{
	int64_t at_us;
	uint64_t order;
	EventAction action;
	void *context;
	int64_t number;
} Event;

typedef struct Descriptor
{
	bool used;
	int process;
	uint64_t count; /* of an eventfd */
	ReadyCheck readable;
	void *context;
} Descriptor;

static uint64_t random_state;
static int64_t now;
static bool tracing;
static char violation_text[512];
static Thread threads[THREADS_MAX];
static Thread *running;
static ucontext_t scheduler_context;
static Event events[EVENTS_MAX]; /* a heap: the earliest is the first */
static size_t event_count;
static int64_t stalled_until[PROCESSES_MAX];
static uint64_t event_order;
static Descriptor descriptors[DESCRIPTORS_MAX];

uint64_t
chance(uint64_t bound)
{
	uint64_t mixed = random_state += 0x9E3779B97F4A7C15u;

	mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
	return (mixed ^ (mixed >> 31)) % bound;
}

bool
once_in(uint64_t times)
{
	return chance(times) == 0;
}

int64_t
now_us(void)
{
	return now;
}

void
scheduler_begin(uint64_t seed, bool traces)
{
	random_state = seed * 0xD1342543DE82EF95u + 1;
	now = 1000000;
	tracing = traces;
	violation_text[0] = '\0';
	event_count = 0;
	event_order = 0;
	running = NULL;
	memset(stalled_until, 0, sizeof(stalled_until));
	memset(descriptors, 0, sizeof(descriptors));
	for (int i = 0; i < THREADS_MAX; i++)
		threads[i].used = false;
}

void
trace(const char *format, ...)
{
	va_list arguments;

	if (!tracing)
		return;
	va_start(arguments, format);
	printf("%12.6f ", (double) now / 1e6);
	if (running != NULL)
		printf("[%d.%d] ", running->process, (int) (running - threads));
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
	va_end(arguments);
}

bool
trace_is_on(void)
{
	return tracing;
}

void
violation(const char *invariant, const char *format, ...)
{
	va_list arguments;
	int bytes;

	if (violation_text[0] != '\0')
		return;
	bytes = snprintf(violation_text, sizeof(violation_text), "%s: ", invariant);
	va_start(arguments, format);
	vsnprintf(violation_text + bytes, sizeof(violation_text) - (size_t) bytes, format, arguments);
	va_end(arguments);
	trace("VIOLATION %s", violation_text);
}

const char *
violation_get(void)
{
	return violation_text[0] != '\0' ? violation_text : NULL;
}

static bool
event_is_before(const Event *one, const Event *other)
{
	return one->at_us != other->at_us ? one->at_us < other->at_us : one->order < other->order;
}

static void
event_swap(size_t one, size_t other)
{
	Event kept = events[one];

	events[one] = events[other];
	events[other] = kept;
}

void
event_add(int64_t delay_us, EventAction action, void *context, int64_t number)
{
	size_t at = event_count++;

	if (event_count > EVENTS_MAX)
		abort();
	events[at] = (Event){now + delay_us, event_order++, action, context, number};
	for (; at > 0 && event_is_before(&events[at], &events[(at - 1) / 2]); at = (at - 1) / 2)
		event_swap(at, (at - 1) / 2);
}

static Event
event_take(void)
{
	Event first = events[0];
	size_t at = 0;

	events[0] = events[--event_count];
	for (;;)
	{
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < event_count; child++)
			if (event_is_before(&events[child], &events[least]))
				least = child;
		if (least == at)
			return first;
		event_swap(at, least);
		at = least;
	}
}

static void
thread_main(void)
{
	running->run(running->argument);
	running->ended = true;
	swapcontext(&running->context, &scheduler_context);
}

static Thread *
thread_new(int process, void *(*run)(void *), void *argument)
{
	Thread *thread = threads;

	while (thread->used)
		if (++thread == threads + THREADS_MAX)
			abort();
	if (thread->stack == NULL)
		thread->stack = stack_new(STACK_BYTES);
	*thread = (Thread){.stack = thread->stack,
					   .process = process,
					   .used = true,
					   .run = run,
					   .argument = argument,
					   .until_us = FOREVER};
	getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = thread->stack;
	thread->context.uc_stack.ss_size = STACK_BYTES;
	thread->context.uc_link = NULL;
	makecontext(&thread->context, thread_main, 0);
	return thread;
}

void
thread_start(int process, void *(*run)(void *), void *argument)
{
	thread_new(process, run, argument)->detached = true;
}

void
process_stall(int process, int64_t duration_us)
{
	stalled_until[process] = now + duration_us;
}

bool
process_is_stalled(int process)
{
	return stalled_until[process] > now;
}

static bool
thread_may_run(Thread *thread)
{
	if (process_is_stalled(thread->process))
		return false;
	thread->was_ready = thread->ready == NULL || thread->ready(thread->ready_context);
	return thread->was_ready || thread->until_us <= now;
}

/* One of those that may run, or NULL. */
static Thread *
thread_choose(void)
{
	Thread *may_run[THREADS_MAX];
	size_t count = 0;

	for (int i = 0; i < THREADS_MAX; i++)
		if (threads[i].used && !threads[i].ended && thread_may_run(&threads[i]))
			may_run[count++] = &threads[i];
	return count == 0 ? NULL : may_run[count == 1 ? 0 : chance(count)];
}

static int64_t
next_due(void)
{
	int64_t due = event_count > 0 ? events[0].at_us : FOREVER;

	for (int i = 0; i < THREADS_MAX; i++)
	{
		int64_t stalled = stalled_until[threads[i].process];
		int64_t wakes = stalled > now ? stalled : threads[i].until_us;

		if (threads[i].used && !threads[i].ended && wakes < due)
			due = wakes;
	}
	return due;
}

static void
thread_resume(Thread *thread)
{
	running = thread;
	swapcontext(&scheduler_context, &thread->context);
	running = NULL;
	if (thread->ended && thread->detached)
		thread->used = false;
	now += (int64_t) chance(STEP_US_MAX);
}

bool
run_until(int64_t until_us, ReadyCheck check, void *context)
{
	while (violation_text[0] == '\0' && now < until_us)
	{
		if (check != NULL && check(context))
			return true;
		if (event_count > 0 && events[0].at_us <= now)
		{
			Event event = event_take();

			event.action(event.context, event.number);
			continue;
		}

		Thread *thread = thread_choose();

		if (thread != NULL)
			thread_resume(thread);
		else
		{
			int64_t due = next_due();

			now = due < until_us ? due : until_us;
		}
	}
	return check != NULL && check(context);
}

bool
thread_wait(ReadyCheck ready, void *context, int64_t until_us)
{
	Thread *self = running;

	self->ready = ready;
	self->ready_context = context;
	self->until_us = until_us;
	swapcontext(&self->context, &scheduler_context);
	self->until_us = FOREVER;
	return self->was_ready;
}

void
thread_yield(void)
{
	if (running != NULL && once_in(4))
		thread_wait(NULL, NULL, FOREVER);
}

int
thread_process(void)
{
	return running != NULL ? running->process : WORLD;
}

void
process_kill(int process)
{
	stalled_until[process] = 0;
	for (int i = 0; i < THREADS_MAX; i++)
		if (threads[i].used && threads[i].process == process)
			threads[i].used = false;
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		if (descriptors[i].used && descriptors[i].process == process)
			descriptors[i].used = false;
}

static Descriptor *
descriptor_find(int fd)
{
	if (fd < DESCRIPTOR_BASE || fd >= DESCRIPTOR_BASE + DESCRIPTORS_MAX)
		return NULL;
	return descriptors[fd - DESCRIPTOR_BASE].used ? &descriptors[fd - DESCRIPTOR_BASE] : NULL;
}

int
descriptor_new(ReadyCheck readable, void *context)
{
	for (int i = 0; i < DESCRIPTORS_MAX; i++)
		if (!descriptors[i].used)
		{
			descriptors[i] = (Descriptor){.used = true,
										  .process = thread_process(),
										  .readable = readable,
										  .context = context};
			return DESCRIPTOR_BASE + i;
		}
	abort();
}

int
descriptor_event_new(void)
{
	return descriptor_new(NULL, NULL);
}

void
descriptor_signal(int fd)
{
	Descriptor *descriptor = descriptor_find(fd);

	if (descriptor != NULL)
		descriptor->count++;
}

void
descriptor_close(int fd)
{
	Descriptor *descriptor = descriptor_find(fd);

	if (descriptor != NULL)
		descriptor->used = false;
}

/* What the programs call instead of the C library, by the linker's --wrap. */

typedef struct PollSet
{
	struct pollfd *polled;
	nfds_t count;
} PollSet;

static short
descriptor_state(const struct pollfd *polled)
{
	Descriptor *descriptor = descriptor_find(polled->fd);

	if (polled->fd < 0)
		return 0;
	if (descriptor == NULL)
		return POLLNVAL;

	bool readable = descriptor->readable != NULL ? descriptor->readable(descriptor->context)
												 : descriptor->count > 0;

	return (short) (((readable ? POLLIN : 0) | POLLOUT) & polled->events);
}

static bool
poll_is_ready(void *context)
{
	PollSet *set = context;
	bool ready = false;

	for (nfds_t i = 0; i < set->count; i++)
	{
		set->polled[i].revents = descriptor_state(&set->polled[i]);
		ready = ready || set->polled[i].revents != 0;
	}
	return ready;
}

int
__wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
	PollSet set = {polled, count};
	int ready = 0;

	if (!thread_wait(poll_is_ready, &set, timeout_ms < 0 ? FOREVER : now + timeout_ms * 1000LL))
		return 0;
	for (nfds_t i = 0; i < count; i++)
		ready += polled[i].revents != 0;
	return ready;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int64_t epoch_s = clock == CLOCK_REALTIME ? 1700000000 : 0;

	time->tv_sec = epoch_s + now / 1000000;
	time->tv_nsec = now % 1000000 * 1000;
	return 0;
}

int
__wrap_eventfd(unsigned int count, int flags)
{
	(void) count;
	(void) flags;
	return descriptor_event_new();
}

ssize_t
__wrap_read(int fd, void *buffer, size_t bytes)
{
	Descriptor *descriptor = descriptor_find(fd);

	if (descriptor == NULL || descriptor->count == 0 || bytes != sizeof(uint64_t))
		return -1;
	memcpy(buffer, &descriptor->count, sizeof(uint64_t));
	descriptor->count = 0;
	return (ssize_t) sizeof(uint64_t);
}

ssize_t
__wrap_write(int fd, const void *buffer, size_t bytes)
{
	(void) buffer;
	descriptor_signal(fd);
	return (ssize_t) bytes;
}

int
__wrap_close(int fd)
{
	descriptor_close(fd);
	return 0;
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
					  void *argument)
{
	Thread *made = thread_new(thread_process(), run, argument);

	(void) attributes;
	*thread = (pthread_t) (made - threads);
	return 0;
}

static bool
thread_has_ended(void *context)
{
	return ((Thread *) context)->ended;
}

int
__wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline)
{
	(void) deadline;
	return __wrap_pthread_join(thread, result);
}

int
__wrap_pthread_join(pthread_t thread, void **result)
{
	Thread *joined = &threads[thread];

	(void) result;
	thread_wait(thread_has_ended, joined, FOREVER);
	joined->used = false;
	return 0;
}

static bool
mutex_is_free(void *context)
{
	return ((pthread_mutex_t *) context)->__data.__lock == 0;
}

int
__wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	thread_yield();
	if (!mutex_is_free(mutex))
		thread_wait(mutex_is_free, mutex, FOREVER);
	mutex->__data.__lock = 1;
	return 0;
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	mutex->__data.__lock = 0;
	return 0;
}
