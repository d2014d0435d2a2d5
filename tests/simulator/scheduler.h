/*
 * scheduler.h
 *		One run's time, chance and threads: everything that happens does so here, in an order that
 *		the seed decides.
 *
 * Threads of the programs are coroutines. Time stands still while one runs and moves on to what is
 * due next when all wait. An event is a function that the world calls at its time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOREVER		  INT64_MAX
#define PROCESSES_MAX 2
#define WORLD		  (-1) /* of nobody's process */

typedef bool (*ReadyCheck)(void *context);
typedef void (*EventAction)(void *context, int64_t number);

/* Begins a run. */
void scheduler_begin(uint64_t seed, bool trace);

/* A number below bound; true once in so many times. */
uint64_t chance(uint64_t bound);
bool once_in(uint64_t times);

/* Microseconds since the run began. */
int64_t now_us(void);

void event_add(int64_t delay_us, EventAction action, void *context, int64_t number);

/* Lets coroutines run and events happen until the time has come, or the check is true. */
bool run_until(int64_t until_us, ReadyCheck check, void *context);

/* A coroutine of a process. */
void thread_start(int process, void *(*run)(void *), void *argument);

/* In a coroutine: waits until the check is true or the time has come. True: it is. */
bool thread_wait(ReadyCheck ready, void *context, int64_t until_us);

/* In a coroutine: others may run, mostly. */
void thread_yield(void);

/* The process of the coroutine that runs. */
int thread_process(void);

/* Its coroutines run no more, and its descriptors are closed. */
void process_kill(int process);

/* For so long its threads do not run, as after SIGSTOP. */
void process_stall(int process, int64_t duration_us);
bool process_is_stalled(int process);

/* Descriptors; a socket is readable when its check says so. */
int descriptor_new(ReadyCheck readable, void *context);
int descriptor_event_new(void);
void descriptor_signal(int fd);
void descriptor_close(int fd);

/* The run has failed: what is broken, and how. Only the first one counts. */
void violation(const char *invariant, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *violation_get(void);

void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool trace_is_on(void);
