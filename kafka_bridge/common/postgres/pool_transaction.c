/*
 * pool_transaction.c
 *		A transaction of a session: its settings and statements in one round trip, run again where
 *		that is without risk.
 *
 * Statements are prepared in the transaction that uses them first. Where a pooler has another
 * session behind the connection than the last time, the server says 42P05 or 26000 and has done
 * nothing; after a few of these the statements go without a name, which always works.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "postgres/pipeline.h"
#include "postgres/pool_session.h"

/* Beyond PostgreSQL's own timeout: then it is the network that is silent. */
#define STATEMENT_GRACE_MS 2000
#define SETTINGS_COUNT	   2
#define QUERIES_MAX		   (SETTINGS_COUNT + PG_TRANSACTION_QUERIES_MAX)
#define NAMED_ATTEMPTS_MAX 4 /* with other sessions each time */
#define CONNECTIONS_MAX	   3 /* for one transaction */

/* SET of it holds for the transaction; set_config() takes a snapshot, and then it is too late. */
static const char isolation_sql[] = "SET transaction_isolation TO 'read committed'";

/* Cut in time zones and formats, so that what SQL prints is always the same. */
static const char settings_sql[] =
	"SELECT pg_catalog.set_config('search_path', $1, true), "
	"pg_catalog.set_config('application_name', $2, true), "
	"pg_catalog.set_config('statement_timeout', $3, true), "
	"pg_catalog.set_config('lock_timeout', $4, true), "
	"pg_catalog.set_config('TimeZone', 'UTC', true), "
	"pg_catalog.set_config('DateStyle', 'ISO, YMD', true), "
	"pg_catalog.set_config('IntervalStyle', 'postgres', true), "
	"pg_catalog.set_config('jit', 'off', true), "
	"pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)";

/* What an attempt came to. */
typedef enum Attempt
{
	ATTEMPT_ENDED,		/* with the results */
	ATTEMPT_UNPREPARED, /* nothing was done; the statements are known better now */
	ATTEMPT_CUT,		/* nothing was done; the session is over */
	ATTEMPT_LOST,		/* nobody knows whether it was done */
} Attempt;

static Wait
transaction_wait(const PgSession *session)
{
	return wait_begin(-1, session->plan->options->statement_timeout_ms + STATEMENT_GRACE_MS);
}

/* How often a transaction was tried. */
typedef struct Progress
{
	int unprepared;
	int connections; /* that broke */
	bool is_lost;	 /* in one of them it may have been done */
} Progress;

/* All statements of a transaction, those of the settings first. */
typedef struct Plan
{
	PgQuery queries[QUERIES_MAX];
	PgStatement *statements[QUERIES_MAX]; /* NULL: without a name */
	PGresult *results[QUERIES_MAX];
	size_t count;
} Plan;

static void
plan_add(Plan *plan, PgSession *session, PgQuery query, bool is_named)
{
	PgStatement *statement = is_named ? pg_session_statement(session, query.sql) : NULL;

	query.prepared = statement != NULL ? statement->name : NULL;
	query.prepare = statement != NULL && !statement->is_prepared;
	plan->statements[plan->count] = statement;
	plan->queries[plan->count++] = query;
}

static void
plan_clear(Plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		PQclear(plan->results[i]);
	memset(plan->results, 0, sizeof(plan->results));
}

/* The SQLSTATE of the first error and its statement; NULL without one. */
static const char *
plan_error(const Plan *plan, size_t *at)
{
	for (size_t i = 0; i < plan->count; i++)
		if (PQresultStatus(plan->results[i]) == PGRES_FATAL_ERROR)
		{
			*at = i;
			return PQresultErrorField(plan->results[i], PG_DIAG_SQLSTATE);
		}
	return NULL;
}

/* A statement in front of the one that failed has been prepared, were it new. */
static void
plan_learn(Plan *plan, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (plan->statements[i] != NULL)
			plan->statements[i]->is_prepared = true;
}

static Attempt
plan_judge(Plan *plan)
{
	size_t at = plan->count;
	const char *sqlstate = plan_error(plan, &at);
	bool is_named = at < plan->count && plan->statements[at] != NULL;

	plan_learn(plan, at);
	if (sqlstate == NULL)
		return ATTEMPT_ENDED;
	if (is_named && (pg_sqlstate_is(sqlstate, PG_DUPLICATE_STATEMENT) ||
					 pg_sqlstate_is(sqlstate, PG_NO_SUCH_STATEMENT)))
	{
		plan->statements[at]->is_prepared = pg_sqlstate_is(sqlstate, PG_DUPLICATE_STATEMENT);
		return ATTEMPT_UNPREPARED;
	}
	/* A pooler says so of a session that it has lost. */
	if (pg_sqlstate_is(sqlstate, PG_CLASS_CONNECTION))
		return ATTEMPT_LOST;
	/* The transaction went with its session, before its end. */
	return pg_sqlstate_is(sqlstate, PG_CLASS_SHUTDOWN) ? ATTEMPT_CUT : ATTEMPT_ENDED;
}

static int64_t
lock_timeout_ms(const PgSession *session, const PgTransaction *transaction)
{
	int64_t longest = session->plan->options->lock_timeout_ms;
	int64_t own = transaction->lock_timeout_ms;

	return own > 0 && own < longest ? own : longest;
}

static Attempt
attempt_run(PgSession *session, const PgTransaction *transaction, bool is_named, Plan *plan,
			Status *status)
{
	const PgPoolOptions *options = session->plan->options;
	char statement_timeout[32];
	char lock_timeout[32];
	const char *const values[] = {session->search_path,
								  transaction->application_name != NULL
									  ? transaction->application_name
									  : session->plan->application_name,
								  statement_timeout, lock_timeout};
	Wait wait = transaction_wait(session);

	snprintf(statement_timeout, sizeof(statement_timeout), "%" PRId64,
			 options->statement_timeout_ms);
	snprintf(lock_timeout, sizeof(lock_timeout), "%" PRId64, lock_timeout_ms(session, transaction));
	*plan = (Plan){.count = 0};
	plan_add(plan, session, (PgQuery){.sql = isolation_sql}, is_named);
	plan_add(plan, session, (PgQuery){.sql = settings_sql, .parameter_count = 4, .values = values},
			 is_named);
	for (size_t i = 0; i < transaction->count; i++)
		plan_add(plan, session, transaction->queries[i], is_named);
	*status =
		pg_pipeline_run(session->connection, &wait, plan->queries, plan->count, plan->results);
	if (status_is_ok(status))
		return plan_judge(plan);
	return pg_status_is(status, PG_CLASS_SHUTDOWN) ? ATTEMPT_CUT : ATTEMPT_LOST;
}

/* Room for a new connection, where the old one is not there any more. */
static Status
session_ensure(PgSession *session)
{
	Wait wait = wait_begin(-1, session->plan->options->queue_timeout_ms);

	if (pg_session_is_alive(session))
		return status_ok();
	pg_session_close(session);
	return pg_session_open(session, &wait);
}

/* A wait that ended has taken its time already. */
static bool
loss_is_repeated(const PgSession *session, const PgTransaction *transaction, const Status *status)
{
	return transaction->is_repeatable &&
		   (status_is_ok(status) || PQstatus(session->connection) != CONNECTION_OK);
}

static void
results_give(Plan *plan, PGresult **results)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
	{
		/* A session that may not even set these: the first statement of the caller says why. */
		if (PQresultStatus(plan->results[i]) == PGRES_FATAL_ERROR)
		{
			PQclear(plan->results[SETTINGS_COUNT]);
			plan->results[SETTINGS_COUNT] = plan->results[i];
		}
		else
			PQclear(plan->results[i]);
		plan->results[i] = NULL;
	}
	memcpy(results, plan->results + SETTINGS_COUNT,
		   (plan->count - SETTINGS_COUNT) * sizeof(*results));
}

/* Whether another attempt is worth it, after one without results. */
static bool
attempt_again(PgSession *session, Attempt attempt, bool is_repeatable, Progress *progress)
{
	if (attempt == ATTEMPT_UNPREPARED)
	{
		progress->unprepared++;
		return true;
	}
	progress->is_lost |= attempt == ATTEMPT_LOST;
	pg_session_break(session);
	return ++progress->connections < CONNECTIONS_MAX && (attempt == ATTEMPT_CUT || is_repeatable);
}

PgOutcome
pg_session_run(PgSession *session, const PgTransaction *transaction, PGresult **results,
			   Status *status)
{
	Progress progress = {0};

	memset(results, 0, transaction->count * sizeof(*results));
	for (;;)
	{
		Plan plan;

		*status = session_ensure(session);
		if (!status_is_ok(status))
			break;

		Attempt attempt = attempt_run(session, transaction,
									  progress.unprepared < NAMED_ATTEMPTS_MAX, &plan, status);

		if (attempt == ATTEMPT_ENDED)
		{
			results_give(&plan, results);
			return PG_OUTCOME_KNOWN;
		}

		bool is_repeatable = loss_is_repeated(session, transaction, status);

		plan_clear(&plan);
		if (!attempt_again(session, attempt, is_repeatable, &progress))
			break;
	}
	pg_session_break(session);
	return progress.is_lost ? PG_OUTCOME_UNKNOWN : PG_OUTCOME_NOT_DONE;
}
