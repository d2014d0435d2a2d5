/*
 * main.c
 *		Runs seeds: draws each run's load and faults, lets it settle, and looks at what came of it.
 *
 *		simulate [--seeds N] [--seed N] [--trace] [--first]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "client.h"
#include "ledger.h"
#include "process.h"
#include "scheduler.h"
#include "server.h"
#include "substitutes.h"

#define LOAD_US	  6000000
#define SETTLE_US 120000000

typedef struct Options
{
	uint64_t seed;
	uint64_t seeds;
	bool trace;
	bool first; /* ends with the first one that fails */
} Options;

static uint64_t running_seed;

static void
commit_due(void *context, int64_t number)
{
	(void) context;
	(void) number;
	for (uint64_t i = once_in(5) ? 1 + chance(6) : 1; i > 0; i--)
		ledger_commit();
	server_commit_happened();
}

static void
foreign_due(void *context, int64_t number)
{
	(void) context;
	(void) number;
	ledger_foreign_wal();
}

static void
fault_due(void *context, int64_t number)
{
	(void) context;
	switch (number)
	{
		case 0:
			process_ask_to_stop();
			break;
		case 1:
			server_crash();
			break;
		case 2:
			server_sessions_cut();
			break;
		case 3:
			broker_outage();
			break;
		case 4:
			producer_fail();
			break;
		case 5:
			process_freeze();
			break;
		default:
			process_crash();
	}
}

static void
run_draw(void)
{
	uint64_t commits = 4 + chance(20);
	uint64_t faults = chance(7);

	processes_begin(once_in(2) ? 2 : 1);
	for (uint64_t i = 0; i < commits; i++)
		event_add((int64_t) chance(LOAD_US), commit_due, NULL, 0);
	for (int i = 0; i < 5; i++)
		event_add((int64_t) chance(LOAD_US), foreign_due, NULL, 0);
	for (uint64_t i = 0; i < faults; i++)
		event_add((int64_t) chance(LOAD_US), fault_due, NULL, (int64_t) chance(9));
}

static bool
is_settled(void *context)
{
	(void) context;
	return now_us() > LOAD_US + 1000000 && server_slot_confirmed() >= ledger_wal_end();
}

/* False: an invariant was broken, and it was said which. */
static bool
seed_run(uint64_t seed, bool traces)
{
	running_seed = seed;
	memory_begin();
	scheduler_begin(seed, traces);
	ledger_begin();
	server_begin();
	broker_begin();
	clients_begin();
	producers_begin();
	readers_begin();
	run_draw();
	run_until(LOAD_US + 1000000, NULL, NULL);
	if (!run_until(now_us() + SETTLE_US, is_settled, NULL))
		violation("INV-8", "the slot stays at %llX although everything is well; WAL ends at %llX",
				  (unsigned long long) server_slot_confirmed(),
				  (unsigned long long) ledger_wal_end());
	broker_check();
	for (int process = 0; process < PROCESSES_MAX; process++)
		process_kill(process);
	producers_end();
	if (violation_get() == NULL)
		return true;
	printf("VIOLATION of seed %llu: %s\n", (unsigned long long) seed, violation_get());
	return false;
}

/* An assertion of the programs. */
static void
abort_explain(int number)
{
	printf("VIOLATION of seed %llu: signal %d\n", (unsigned long long) running_seed, number);
	fflush(stdout);
	_exit(1);
}

static bool
options_read(int argc, char **argv, Options *options)
{
	*options = (Options){.seed = 1, .seeds = 1};
	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--trace") == 0)
			options->trace = true;
		else if (strcmp(argv[i], "--first") == 0)
			options->first = true;
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			options->seed = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0)
			options->seeds = strtoull(argv[++i], NULL, 10);
		else
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	Options options;
	uint64_t failed = 0;

	if (!options_read(argc, argv, &options))
	{
		fprintf(stderr, "usage: simulate [--seed FIRST] [--seeds COUNT] [--trace] [--first]\n");
		return 64;
	}
	signal(SIGABRT, abort_explain);
	signal(SIGSEGV, abort_explain);
	for (uint64_t i = 0; i < options.seeds && failed < (options.first ? 1 : 10); i++)
		failed += !seed_run(options.seed + i, options.trace);
	printf("%llu seeds, %llu failed\n", (unsigned long long) options.seeds,
		   (unsigned long long) failed);
	return failed > 0;
}
