/*
 * pool.h
 *		A fixed number of connections to the wallet database, each with a thread of its own, and a
 *		bounded queue of jobs for them.
 *
 * A job is run by one thread with its connection, or refused: because the queue is full, because it
 * waited too long, because PostgreSQL cannot be reached, or because the pool stops. Either happens
 * exactly once, and refusing never waits for PostgreSQL. Jobs of a company may be run together
 * (job_queue.h says when); one that comes back from there undone is then run, or refused.
 *
 * Transactions have the extension's schema first in their search_path; time zone UTC, READ
 * COMMITTED, no JIT, statement_timeout and lock_timeout as configured: set for each transaction,
 * so that a pooler in transaction mode may stand before PostgreSQL. A connection that breaks,
 * or that the server closes while it is idle, is opened anew with jittered backoff.
 *
 * Call order: pg_pool_new(); pg_pool_submit() from any thread; pg_pool_start(); pg_pool_stop(),
 * after which jobs are refused; pg_pool_free().
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "observe/health.h"
#include "base/metrics.h"
#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct PgPoolOptions
{
	int64_t size;				  /* connections */
	int64_t queue_max;			  /* jobs that wait; more are refused */
	int64_t queue_timeout_ms;	  /* longest a job waits */
	int64_t statement_timeout_ms; /* of PostgreSQL, for each statement */
	int64_t lock_timeout_ms;
} PgPoolOptions;

/* DATABASE_QUEUE_MAX, DATABASE_QUEUE_TIMEOUT, DATABASE_STATEMENT_TIMEOUT, DATABASE_LOCK_TIMEOUT. */
extern const ConfigOption pg_pool_options[];

/* The size is the program's own row, as in (PgPoolOptions, size, "16"). */
#define PG_POOL_SIZE_OPTION(config_type, member, default_size)                                     \
	{                                                                                              \
		.flag = "database-pool-size", .environment = "DATABASE_POOL_SIZE", .type = CONFIG_INTEGER, \
		.offset = offsetof(config_type, member), .default_text = default_size, .minimum = 1,       \
		.maximum = 500, .help = "Connections to PostgreSQL for requests; each has a thread."       \
	}

typedef struct PgPool PgPool;

/* A connection that is renewed when it breaks; belongs to the thread that runs the job. */
typedef struct PgSession PgSession;

typedef enum PgRefusal
{
	PG_REFUSAL_FULL,
	PG_REFUSAL_LATE,
	PG_REFUSAL_GONE, /* PostgreSQL cannot be reached */
	PG_REFUSAL_STOPPING,
} PgRefusal;

typedef struct PgJob PgJob;

/* Jobs that were taken together. */
typedef struct PgBatch
{
	PgJob *jobs; /* chained by next, two or more */
	bool failed; /* nothing came of it as a whole: for a while jobs are better run one by one */
} PgBatch;

/* Jobs that can be done in one transaction. */
typedef struct PgCompany
{
	/* Whether two of the company can be in one batch; what fits a third one fits each other. */
	bool (*fits)(const PgJob *job, const PgJob *other);
	/* Leaves in the batch, in their order, the jobs that are not done: each is run by itself. */
	void (*run)(PgBatch *batch, PgSession *session);
} PgCompany;

/* Embedded in what the caller keeps of the job. */
struct PgJob
{
	void (*run)(PgJob *job, PgSession *session);
	void (*refuse)(PgJob *job, PgRefusal refusal);
	const PgCompany *company; /* NULL: always runs by itself */
	PgJob *next;			  /* the pool's, as those below */
	uint64_t number;
	int64_t deadline_ms;
};

/* Metrics of a pool by their indexes in the program's table. */
typedef struct PgPoolMetrics
{
	size_t connections; /* gauge */
	size_t busy;		/* gauge */
	size_t waiting;		/* gauge */
	size_t refused;		/* counter */
	size_t label;
} PgPoolMetrics;

typedef struct PgPoolPlan
{
	const char *name;			  /* of the check in /health: "postgresql" */
	const char *application_name; /* of the sessions */
	const PgOptions *pg;
	const PgPoolOptions *options;
	bool must_write;  /* a server in recovery does not do */
	size_t batch_max; /* jobs of a company that are run together; 0 or 1: none */
	size_t lanes_max; /* how many runs of them before others wait, to PG_LANES_MAX of job_queue.h */
} PgPoolPlan;

/* plan and what it points to must outlive the pool. NULL when out of memory. */
PgPool *pg_pool_new(const PgPoolPlan *plan);

/* Starts the threads; health gets the check, metrics the figures. BUG: no thread can be started. */
Status pg_pool_start(PgPool *pool, Health *health, Metrics *metrics,
					 const PgPoolMetrics *pool_metrics);

/* From any thread, once per job; refuses in the caller's thread where it has to. */
void pg_pool_submit(PgPool *pool, PgJob *job);

/* Refuses what waits, waits for jobs that run, closes the connections. NULL is fine. */
void pg_pool_stop(PgPool *pool);
void pg_pool_free(PgPool *pool);

/* Of one transaction. */
#define PG_TRANSACTION_QUERIES_MAX 6

typedef struct PgTransaction
{
	const char *application_name; /* NULL: the plan's */
	const PgQuery *queries;		  /* sql with static storage duration, parameters as text, rows */
	size_t count;
	bool is_repeatable;		 /* does nothing twice: a read, or with a key of idempotency */
	int64_t lock_timeout_ms; /* where it is less than the options' own; 0: those */
} PgTransaction;

typedef enum PgOutcome
{
	PG_OUTCOME_KNOWN,	 /* by the results: all was done, or nothing because of an error */
	PG_OUTCOME_NOT_DONE, /* PostgreSQL cannot be reached */
	PG_OUTCOME_UNKNOWN,	 /* the connection broke, or was silent for too long */
} PgOutcome;

/*
 * Runs the queries as one transaction in one round trip. Where the connection is gone before they
 * are sent, or its session ends before they are done, or the transaction is repeatable, they run on
 * another connection. PG_OUTCOME_KNOWN: results are as those of pg_pipeline_run(). Else status
 * says why, and the session is broken.
 */
PgOutcome pg_session_run(PgSession *session, const PgTransaction *transaction, PGresult **results,
						 Status *status);

/* The connection is not to be used again: it is closed after the job. */
void pg_session_break(PgSession *session);

/* A statement failed with this SQLSTATE: breaks the session where only another one would go on. */
void pg_session_error(PgSession *session, const char *sqlstate);

/* A session of the caller's own, connected when it is used. NULL when out of memory. */
PgSession *pg_session_new(const PgPoolPlan *plan);
void pg_session_free(PgSession *session);
