/*
 * setup.h
 *		The first start: creates the slot and, if asked for, publishes the ledger's rows before it.
 *
 * Nothing is lost between looking at the ledger and creating the slot: the slot comes first, and
 * the ledger is judged and read in the snapshot that the slot exported. What commits later comes
 * through the slot. A set-up that was broken off is marked in the progress topic and starts over.
 */
#pragma once

#include "options.h"
#include "progress_record.h"
#include "publisher.h"
#include "server_facts.h"
#include "server_watch.h"
#include "base/status.h"

typedef struct SetupPlan
{
	const BridgeConfig *config;
	PGconn *watch; /* mode PG_MODE_REPLICATION, with the right to set up */
	const ServerFacts *server;
	ProgressKey key;
	ProgressRecord record;	 /* but for state and lsn */
	PublisherPlan publisher; /* for the backfill */
	int start;				 /* StartMode */
	int stop_fd;
	Metrics *metrics; /* NULL: none */
} SetupPlan;

/*
 * Takes the right to set up the slot, which one bridge has at a time, until the connection closes.
 * Another bridge has it: RETRY. Ask anew what decides whether to set up: it may have been done.
 */
Status setup_lock(PGconn *connection, const char *slot, int stop_fd);

/*
 * Sets up; the right is looked at once more. A ledger with rows and START_REFUSE: FATAL. Afterwards
 * the slot exists and the progress topic says where its stream begins.
 */
Status setup_run(const SetupPlan *plan);
