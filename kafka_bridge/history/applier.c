/*
 * applier.c
 *		One batch, one transaction. What is known of the wallets' newest versions, or asked for
 *		before it begins, says what is new and what must be compared; the fence proves at its end
 *		that nobody else has written meanwhile. Nearly every batch is new throughout and goes over
 *		at once:
 *
 *		COPY what is new; positions: compare and set by fence and offset
 *
 *		Else:
 *
 *		BEGIN
 *		COPY what is new
 *		compare the rest with what is stored               -> duplicates, conflicts, late versions
 *		COPY late versions, cut the gaps they fill, record conflicts and new gaps
 *		positions: compare and set by fence and offset
 *		COMMIT
 *
 * The former owner of a partition may be stopped in the middle of its transaction and so hold rows
 * that this one must insert. Its session is of no use any more (its fence is gone), so after a
 * lock timeout it is ended.
 */
#include "applier.h"

#include <stdlib.h>
#include <string.h>

#include "apply_plan.h"
#include "dead_letter_store.h"
#include "event_store.h"
#include "gap_store.h"
#include "late_events.h"
#include "poison_search.h"
#include "version_cache.h"

#define CACHED_WALLETS_MAX 65536 /* per generation: about 6 MB in all */
#define CONNECT_TIMEOUT_MS 30000
#define APPLY_TIMEOUT_MS   90000 /* above the session's own time limits, which say what hung */
#define STALE_ATTEMPTS_MAX 3

struct Applier
{
	const ApplierOptions *options;
	PositionKey key;
	HistorySession session;
	VersionCache cache;
	ApplyPlan plan;
	bool outcome_unknown; /* the last attempt may have committed */
	bool lock_timed_out;
};

Applier *
applier_new(const ApplierOptions *options)
{
	Applier *applier = calloc(1, sizeof(*applier));

	if (applier == NULL)
		return NULL;
	applier->options = options;
	applier->key =
		(PositionKey){.group = options->group, .topic = options->topic, .source = options->source};
	applier->cache.wallets_max = CACHED_WALLETS_MAX;
	return applier;
}

void
applier_free(Applier *applier)
{
	if (applier == NULL)
		return;
	history_session_close(&applier->session);
	version_cache_free(&applier->cache);
	apply_plan_free(&applier->plan);
	free(applier);
}

void
applier_forget(Applier *applier)
{
	version_cache_clear(&applier->cache);
}

const HistorySession *
applier_session(const Applier *applier)
{
	return &applier->session;
}

static void
connection_drop(Applier *applier)
{
	history_session_close(&applier->session);
	version_cache_clear(&applier->cache);
}

static Status
redirect_follow(Applier *applier, const Wait *wait)
{
	const char *schema = NULL;
	Status status;

	if (applier->options->redirect == NULL)
		return status_ok();
	status = applier->options->redirect(&applier->session, wait, &schema);
	if (!status_is_ok(&status))
		return status;
	free(applier->session.schema);
	applier->session.schema = strdup(schema);
	return applier->session.schema == NULL ? status_bug("out of memory") : status;
}

static Status
connection_ensure(Applier *applier)
{
	Wait wait = wait_begin(-1, CONNECT_TIMEOUT_MS);
	HistorySession *session = &applier->session;

	if (session->connection != NULL && PQstatus(session->connection) == CONNECTION_OK)
		return status_ok();
	connection_drop(applier);

	Status status =
		history_session_open(session, applier->options->pg, applier->options->owner, &wait);

	if (status_is_ok(&status))
		status = redirect_follow(applier, &wait);
	if (status_is_ok(&status))
		status = position_store_prepare(session, &wait);
	if (status_is_ok(&status))
		status = event_store_prepare(session, &wait);
	if (status_is_ok(&status))
		status = gap_store_prepare(session, &wait);
	if (status_is_ok(&status))
		status = dead_letter_store_prepare(session, &wait);
	if (!status_is_ok(&status))
		connection_drop(applier);
	return status;
}

Status
applier_connect(Applier *applier)
{
	return connection_ensure(applier);
}

Status
applier_look(Applier *applier)
{
	Wait wait = wait_begin(-1, APPLY_TIMEOUT_MS);
	Status status = connection_ensure(applier);

	if (status_is_ok(&status))
		status = pg_command_run(applier->session.connection, &wait, "SELECT");
	if (!status_is_ok(&status))
		connection_drop(applier);
	return status;
}

Status
applier_claim(Applier *applier, PositionClaim *claims, size_t count)
{
	Wait wait = wait_begin(-1, APPLY_TIMEOUT_MS);
	Status status = connection_ensure(applier);

	if (status_is_ok(&status))
		status = history_session_stamp(&applier->session, &wait);
	if (status_is_ok(&status))
		status = position_store_claim(&applier->session, &wait, &applier->key,
									  applier->options->owner, claims, count);
	if (!status_is_ok(&status))
	{
		connection_drop(applier);
		return status;
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(claims[i].former_owner, applier->options->owner) != 0)
			former_owners_note(applier->options->former_owners, claims[i].former_owner);
	/* Another owner may have written since these wallets were last seen here. */
	version_cache_clear(&applier->cache);
	return status;
}

Status
applier_count(Applier *applier, const PositionReach *reaches, size_t reach_count,
			  HistoryCounts *counts, bool *lost)
{
	Wait wait = wait_begin(-1, APPLY_TIMEOUT_MS);
	Status status = connection_ensure(applier);

	if (status_is_ok(&status))
		status = history_session_stamp(&applier->session, &wait);
	if (status_is_ok(&status))
		status = position_store_reach(&applier->session, &wait, &applier->key, reaches, reach_count,
									  lost);
	if (status_is_ok(&status))
		status = count_store_read(&applier->session, &wait, counts);
	if (!status_is_ok(&status))
		connection_drop(applier);
	return status;
}

static void
halt_report(ApplyReport *report, int32_t partition, int64_t offset, const char *reason)
{
	report->outcome = APPLY_HALT;
	report->halt_partition = partition;
	report->halt_offset = offset;
	report->halt_reason = reason;
}

/* What is new, what must be compared, what is missing. */
static Status
plan_make(Applier *applier, const Wait *wait, const Batch *batch)
{
	ApplyPlan *plan = &applier->plan;

	if (!apply_plan_begin(plan, batch, &applier->cache))
		return status_bug("out of memory");

	Status status = event_store_newest(&applier->session, wait, plan);

	if (status_is_ok(&status) && !apply_plan_classify(plan, batch))
		status = status_bug("out of memory");
	return status;
}

static EventSelection
new_events(const Applier *applier, const Batch *batch)
{
	const IndexList *inserts = &applier->plan.inserts;

	return (EventSelection){batch, inserts->indexes, inserts->count};
}

/* What is known to be new, in. */
static Status
new_events_store(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report)
{
	const ApplyPlan *plan = &applier->plan;

	if (applier->options->stop_at_gap && plan->gaps.count > 0)
	{
		halt_report(report, plan->gaps.gaps[0].partition, plan->gaps.gaps[0].offset,
					"versions are missing before this event");
		return status_ok();
	}
	report->applied = (int64_t) plan->inserts.count;
	return plan->inserts.count == 0
			   ? status_ok()
			   : event_store_copy(&applier->session, wait, new_events(applier, batch), "", "");
}

/* What is known or late: duplicates are skipped, late versions stored, conflicts recorded. */
static Status
known_events_settle(Applier *applier, const Wait *wait, const Batch *batch, LateEvents *late,
					ApplyReport *report)
{
	Status status =
		late_events_settle(late, &applier->session, wait, batch, &applier->plan.compares);

	if (!status_is_ok(&status))
		return status;
	if (applier->options->stop_at_conflict && late->conflicts.count > 0)
	{
		const BatchRecord *record = &batch->records[late->conflicts.indexes[0]];

		halt_report(report, record->partition, record->offset,
					"the event contradicts the one stored under its wallet and version");
		return status;
	}
	report->applied += (int64_t) late->filled_count;
	report->filled = (int64_t) late->filled_count;
	report->duplicates = (int64_t) late->duplicates;
	report->conflicts = (int64_t) late->conflicts.count;
	return event_store_conflict(&applier->session, wait, applier->options->topic,
								(EventSelection){batch, late->conflicts.indexes,
												 late->conflicts.count});
}

/* New gaps, and those that the late versions cut. */
static Status
gaps_record(Applier *applier, const Wait *wait, LateEvents *late, ApplyReport *report)
{
	GapList *gaps = &applier->plan.gaps;
	GapList left = {.gaps = NULL};
	Status status = status_ok();

	if (late->filled_count > 0)
		status = gap_store_take(&applier->session, wait, late->filled, late->filled_count, gaps);
	if (status_is_ok(&status) && !gap_list_subtract(gaps, late->filled, late->filled_count, &left))
		status = status_bug("out of memory");
	if (status_is_ok(&status))
		status = gap_store_put(&applier->session, wait, applier->options->topic, &left);
	for (size_t i = 0; i < left.count; i++)
		report->gaps += left.gaps[i].seen_at_us == 0 ? 1 : 0;
	gap_list_free(&left);
	return status;
}

/* Everything between BEGIN and COMMIT; the outcome says whether to commit. */
static Status
batch_write(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report)
{
	LateEvents late = {.duplicates = 0};
	bool fenced = false;
	Status status = new_events_store(applier, wait, batch, report);

	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
		status = known_events_settle(applier, wait, batch, &late, report);
	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
		status = gaps_record(applier, wait, &late, report);
	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
		status = dead_letter_store_put(&applier->session, wait, applier->options->topic, batch);
	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
		status = position_store_advance(&applier->session, wait, &applier->key, batch, &fenced);
	if (fenced)
		report->outcome = APPLY_FENCED;
	late_events_free(&late);
	return status;
}

/* The long way: asked and told step by step. */
static Status
batch_transaction(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report)
{
	PGconn *connection = applier->session.connection;
	Status status = history_session_begin(&applier->session, wait);

	if (!status_is_ok(&status))
		return status;
	status = batch_write(applier, wait, batch, report);
	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
	{
		applier->outcome_unknown = true;
		status = pg_command_run(connection, wait, "COMMIT");
		applier->outcome_unknown = status.class == STATUS_RETRY;
		return status;
	}
	/* After a RETRY the connection is closed, which rolls back as well. */
	if (status.class != STATUS_RETRY)
	{
		Status rollback = pg_command_run(connection, wait, "ROLLBACK");

		if (status_is_ok(&status))
			status = rollback;
	}
	return status;
}

/* The short way: rows and positions go over together, which PostgreSQL makes one transaction of. */
static Status
batch_send(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report)
{
	const HistorySession *session = &applier->session;
	char *advance = position_store_advance_print(session, &applier->key, batch);
	char *after = NULL;
	Status status;

	if (advance == NULL || asprintf(&after, "; %s", advance) < 0)
	{
		free(advance);
		return status_bug("out of memory");
	}
	applier->outcome_unknown = true;
	status = event_store_copy(session, wait, new_events(applier, batch),
							  history_session_stamp_text(session), after);
	applier->outcome_unknown = status.class == STATUS_RETRY;
	free(advance);
	free(after);
	if (pg_status_is(&status, POSITIONS_FENCED_STATE))
	{
		report->outcome = APPLY_FENCED;
		return status_ok();
	}
	report->applied = (int64_t) applier->plan.inserts.count;
	return status;
}

static Status
batch_write_through(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report)
{
	const ApplyPlan *plan = &applier->plan;
	Status status = plan_make(applier, wait, batch);

	if (!status_is_ok(&status))
		return status;

	bool all_is_new =
		plan->inserts.count > 0 && plan->inserts.count == batch->count && plan->gaps.count == 0;

	status = (all_is_new ? batch_send : batch_transaction)(applier, wait, batch, report);
	if (status_is_ok(&status) && report->outcome == APPLY_DONE)
		apply_plan_remember(plan, &applier->cache);
	return status;
}

/* A failed or declined attempt leaves nothing behind, so it may simply be made again. */
static Status
batch_attempt(Applier *applier, const Wait *wait, Batch *batch, ApplyReport *report)
{
	Status status = status_ok();

	for (int attempt = 0; attempt < STALE_ATTEMPTS_MAX; attempt++)
	{
		*report = (ApplyReport){.outcome = APPLY_DONE};
		status = batch_write_through(applier, wait, batch, report);
		if (status_is_ok(&status) && report->outcome == APPLY_DONE)
			return status;
		version_cache_clear(&applier->cache);
		/* Somebody else stored one of these events meanwhile: look again. */
		if (!pg_status_is(&status, PG_UNIQUE_VIOLATION))
			break;
	}
	if (!poison_is_cause(&status))
		return status;

	Status cause = status;
	size_t found = 0;

	status = poison_search(&applier->session, wait, batch, &found);
	if (status_is_ok(&status) && found == 0)
		return status_prefix(cause, "no single event is at fault");
	report->outcome = APPLY_POISON;
	return status;
}

/* Whether an attempt of unknown outcome has committed or lost its partitions: then *settled. */
static Status
unknown_outcome_settle(Applier *applier, const Wait *wait, const Batch *batch, ApplyReport *report,
					   bool *settled)
{
	PositionState state = POSITIONS_BEFORE;
	Status status = position_store_check(&applier->session, wait, &applier->key, batch, &state);

	if (!status_is_ok(&status))
		return status;
	applier->outcome_unknown = false;
	*settled = state != POSITIONS_BEFORE;
	*report = (ApplyReport){.outcome = state == POSITIONS_FENCED ? APPLY_FENCED : APPLY_DONE};
	return status;
}

Status
applier_apply(Applier *applier, Batch *batch, ApplyReport *report)
{
	Wait wait = wait_begin(-1, APPLY_TIMEOUT_MS);
	bool settled = false;
	Status status = connection_ensure(applier);

	if (status_is_ok(&status) && applier->lock_timed_out)
	{
		applier->lock_timed_out = false;
		status = former_owners_terminate(applier->options->former_owners, &applier->session, &wait);
	}
	if (status_is_ok(&status) && applier->outcome_unknown)
		status = unknown_outcome_settle(applier, &wait, batch, report, &settled);
	if (status_is_ok(&status) && !settled)
		status = batch_attempt(applier, &wait, batch, report);
	if (!status_is_ok(&status))
	{
		applier->lock_timed_out = pg_status_is(&status, PG_LOCK_NOT_AVAILABLE);
		connection_drop(applier);
	}
	return status;
}
