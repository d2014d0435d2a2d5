/*
 * applier.h
 *		Puts batches into the history: rows and positions in one PostgreSQL transaction (INV-9).
 *
 * Knows nothing of Kafka. One thread. Call order: applier_new(); any of the deeds, each of which
 * connects when there is no connection; applier_free(). After a RETRY the same call may be made
 * again: an attempt whose outcome is unknown is found out before anything is written twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "count_store.h"
#include "former_owners.h"
#include "postgres/client.h"
#include "position_store.h"
#include "base/status.h"

typedef struct ApplierOptions
{
	const PgOptions *pg;
	const char *group;
	const char *topic;
	const char *source; /* HISTORY_SOURCE, or NULL */
	const char *owner;	/* name of this process in wallet_history_offsets and pg_stat_activity */
	FormerOwners *former_owners; /* of all appliers of this process */
	bool stop_at_gap;
	bool stop_at_conflict;
	/* Run once per connection, before the statements are prepared; the tables of the schema that it
	 * returns (a static text) are written instead of the extension's. NULL: none. */
	Status (*redirect)(HistorySession *session, const Wait *wait, const char **schema);
} ApplierOptions;

typedef enum ApplyOutcome
{
	APPLY_DONE,	  /* committed */
	APPLY_FENCED, /* another owner has one of the partitions: nothing was written */
	APPLY_POISON, /* PostgreSQL can't hold some events: they are marked, nothing written */
	APPLY_HALT	  /* the policy says stop before the record at report->halt_*: nothing written */
} ApplyOutcome;

typedef struct ApplyReport
{
	ApplyOutcome outcome;
	int64_t applied;	/* events stored */
	int64_t duplicates; /* copies skipped */
	int64_t conflicts;	/* recorded */
	int64_t gaps;		/* ranges recorded */
	int64_t filled;		/* versions that came after all */
	int32_t halt_partition;
	int64_t halt_offset;
	const char *halt_reason; /* static text */
} ApplyReport;

typedef struct Applier Applier;

/* options and what they point to must outlive the applier. NULL when out of memory. */
Applier *applier_new(const ApplierOptions *options);
void applier_free(Applier *applier);

/* Connects, if there is no connection. */
Status applier_connect(Applier *applier);

/* Whether PostgreSQL answers. */
Status applier_look(Applier *applier);

/* Takes partitions over; see PositionClaim. */
Status applier_claim(Applier *applier, PositionClaim *claims, size_t count);

/* Applies a batch, or says why not; the batch is changed only by marks of poison. */
Status applier_apply(Applier *applier, Batch *batch, ApplyReport *report);

/*
 * Notes up to when partitions are complete, and counts; also tells whether PostgreSQL can be
 * reached. *lost: what was applied is not stored any more, see position_store_reach().
 */
Status applier_count(Applier *applier, const PositionReach *reaches, size_t reach_count,
					 HistoryCounts *counts, bool *lost);

/* Forgets what is known of stored versions: after partitions were lost. */
void applier_forget(Applier *applier);

/* The session, for work of one's own; NULL connection when there is none now. */
const HistorySession *applier_session(const Applier *applier);
