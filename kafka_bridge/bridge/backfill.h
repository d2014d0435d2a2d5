/*
 * backfill.h
 *		Publishes ledger rows again: same events, same ids, header replay, in key order.
 *
 * Used at set-up (all that a new slot's snapshot sees) and by the sub-command. Never touches the
 * slot or the recorded position.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger_reader.h"
#include "base/metrics.h"
#include "postgres/client.h"
#include "publisher.h"
#include "base/status.h"

typedef struct BackfillPlan
{
	PGconn *connection; /* inside a transaction; its snapshot decides what is seen */
	const char *schema;
	LedgerRange range;
	Status (*begin)(void *context); /* nobody else publishes from now on; NULL: nothing to do */
	bool (*wants)(void *context, const LedgerEvent *event); /* NULL: all of the range */
	PublisherPlan publisher;								/* opened, and closed at the end */
	uint64_t bytes_max; /* unacknowledged events held in memory */
	bool dead_letters;
	bool dry_run; /* counts and publishes nothing */
	int64_t rate; /* events a second; 0: as fast as Kafka takes them */
	int stop_fd;
	Metrics *metrics;												 /* NULL: none */
	void (*tick)(void *context, int64_t events, int64_t created_at); /* now and then, or NULL */
	void *context;
} BackfillPlan;

typedef struct BackfillCounts
{
	int64_t events; /* published, or in a dry run what would be */
	int64_t dead_letters;
	int64_t bytes; /* of their JSON */
} BackfillCounts;

/* Publishes and waits until Kafka has everything. After a failure the counts are what was sent. */
Status backfill_run(const BackfillPlan *plan, BackfillCounts *counts);
