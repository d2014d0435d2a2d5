/*
 * rebuild_tables.c
 *		The swap deletes and inserts only what differs, so that a history that was right costs a
 *		comparison, and readers never wait.
 *
 * The table's lock comes first, then the fences: the order in which a batch takes events and
 * positions, or the two could deadlock. A batch that has begun is waited for; one that comes later
 * waits, finds the fence raised, is rolled back, and its wallet_history goes on at the rebuilt
 * positions.
 */
#include "rebuild_tables.h"

#include <stdio.h>
#include <stdlib.h>

#include "rebuild_ledger.h"

#define TEMPORARY_SCHEMA "pg_temp"
#define SWAP_TIMEOUT_MS	 3600000
#define STATEMENT_BYTES	 2048

#define COLUMNS \
	"id, wallet_id, user_id, amount, event_type, transaction_id, created_at, event_data, version"
#define SAME_KEY "n.wallet_id = e.wallet_id AND n.version = e.version"

static const char *const tables[] = {"transaction_events",			"wallet_history_offsets",
									 "wallet_history_gaps",			"wallet_history_conflicts",
									 "wallet_history_dead_letters", NULL};

typedef enum SwapStep
{
	SWAP_BEGIN,
	SWAP_LIMITS,
	SWAP_LOCK,
	SWAP_POSITIONS,
	SWAP_REMOVE,
	SWAP_ADD,
	SWAP_GAPS_REMOVE,
	SWAP_GAPS_ADD,
	SWAP_CONFLICTS_REMOVE,
	SWAP_CONFLICTS_ADD,
	SWAP_DEAD_LETTERS_ADD,
	SWAP_COMMIT,
	SWAP_STEP_COUNT
} SwapStep;

/* %1$s: the extension's schema. */
static const char *const steps[SWAP_STEP_COUNT] = {
	[SWAP_BEGIN] = "BEGIN",
	[SWAP_LIMITS] = "SET LOCAL lock_timeout TO '60s'; SET LOCAL statement_timeout TO 0; "
					"SET LOCAL synchronous_commit TO on",
	[SWAP_LOCK] = "LOCK TABLE %1$s.transaction_events IN SHARE ROW EXCLUSIVE MODE",
	[SWAP_POSITIONS] =
		"INSERT INTO %1$s.wallet_history_offsets AS o "
		"(group_id, topic, partition, next_offset, fence, owner, last_event_at, source, "
		"mark_offset, mark, topic_id) "
		"SELECT group_id, topic, partition, next_offset, 1, owner, last_event_at, source, "
		"mark_offset, mark, topic_id FROM pg_temp.wallet_history_offsets ON CONFLICT (group_id, topic, partition) DO UPDATE "
		"SET next_offset = excluded.next_offset, fence = o.fence + 1, owner = excluded.owner, "
		"last_event_at = excluded.last_event_at, source = excluded.source, "
		"mark_offset = excluded.mark_offset, mark = excluded.mark, "
		"anchor_offset = NULL, anchor = NULL, "
		"topic_id = excluded.topic_id, updated_at = clock_timestamp()",
	[SWAP_REMOVE] = "DELETE FROM %1$s.transaction_events e WHERE NOT EXISTS ("
					"SELECT FROM pg_temp.transaction_events n WHERE " SAME_KEY
					" AND (n.id, n.user_id, n.amount, n.event_type, n.transaction_id, "
					"n.created_at, n.event_data) IS NOT DISTINCT FROM (e.id, e.user_id, e.amount, "
					"e.event_type, e.transaction_id, e.created_at, e.event_data))",
	[SWAP_ADD] = "INSERT INTO %1$s.transaction_events (" COLUMNS ") SELECT " COLUMNS
				 " FROM pg_temp.transaction_events n WHERE NOT EXISTS ("
				 "SELECT FROM %1$s.transaction_events e WHERE " SAME_KEY ")",
	[SWAP_GAPS_REMOVE] = "DELETE FROM %1$s.wallet_history_gaps",
	[SWAP_GAPS_ADD] =
		"INSERT INTO %1$s.wallet_history_gaps SELECT * FROM pg_temp.wallet_history_gaps",
	[SWAP_CONFLICTS_REMOVE] = "DELETE FROM %1$s.wallet_history_conflicts",
	[SWAP_CONFLICTS_ADD] = "INSERT INTO %1$s.wallet_history_conflicts "
						   "SELECT * FROM pg_temp.wallet_history_conflicts",
	/* Those that were dealt with stand there again: the topic still has them. */
	[SWAP_DEAD_LETTERS_ADD] =
		"INSERT INTO %1$s.wallet_history_dead_letters "
		"SELECT * FROM pg_temp.wallet_history_dead_letters ON CONFLICT DO NOTHING",
	[SWAP_COMMIT] = "COMMIT",
};

/* What the history has before the topic is measured: the topic must have it too. */
static Status
former_note(const HistorySession *session, const Wait *wait)
{
	char sql[STATEMENT_BYTES];
	Status status = history_statement_print(
		sql, sizeof(sql),
		"CREATE TEMPORARY TABLE rebuild_former AS SELECT wallet_id, max(version) AS newest "
		"FROM %1$s.transaction_events GROUP BY wallet_id",
		session->schema);

	if (!status_is_ok(&status))
		return status;
	return pg_command_run(session->connection, wait, sql);
}

Status
rebuild_tables_create(HistorySession *session, const Wait *wait, const char **schema)
{
	Status status = status_ok();

	for (int i = 0; tables[i] != NULL && status_is_ok(&status); i++)
	{
		char sql[STATEMENT_BYTES];

		snprintf(sql, sizeof(sql),
				 "CREATE TEMPORARY TABLE %1$s (LIKE %2$s.%1$s INCLUDING DEFAULTS "
				 "INCLUDING CONSTRAINTS INCLUDING INDEXES)",
				 tables[i], session->schema);
		status = pg_command_run(session->connection, wait, sql);
	}
	if (status_is_ok(&status))
		status = former_note(session, wait);
	if (status_is_ok(&status))
		status = rebuild_ledger_note(session, wait);
	*schema = TEMPORARY_SCHEMA;
	return status;
}

static Status
step_run(const HistorySession *session, const Wait *wait, const char *schema, SwapStep step,
		 int64_t *rows)
{
	char sql[STATEMENT_BYTES];
	PGresult *result = NULL;
	Status status = history_statement_print(sql, sizeof(sql), steps[step], schema);

	if (status_is_ok(&status))
		status = pg_query_run(session->connection, wait, &(const PgQuery){.sql = sql}, &result);
	if (status_is_ok(&status) && rows != NULL)
		*rows = atoll(PQcmdTuples(result));
	PQclear(result);
	return status;
}

/* %1$s: the extension's schema. Rows that go, wallets that begin late, gaps that were none, and
 * entries of the ledger that don't come. */
static const char loss_sql[] =
	"SELECT (SELECT count(*) FROM %1$s.transaction_events e JOIN pg_temp.rebuild_former f "
	"ON f.wallet_id = e.wallet_id AND e.version <= f.newest WHERE NOT EXISTS ("
	"SELECT FROM pg_temp.transaction_events n WHERE " SAME_KEY ")), "
	"(SELECT count(*) FROM (SELECT min(n.version) AS first FROM pg_temp.transaction_events n "
	"GROUP BY n.wallet_id) AS wallet WHERE wallet.first > 0), "
	"(SELECT count(*) FROM pg_temp.wallet_history_gaps n WHERE NOT EXISTS ("
	"SELECT FROM %1$s.wallet_history_gaps g WHERE g.wallet_id = n.wallet_id "
	"AND g.from_version <= n.from_version AND n.to_version <= g.to_version)), "
	"(SELECT coalesce(sum(l.newest + 1), 0)::int8 - (SELECT count(*) "
	"FROM pg_temp.transaction_events n JOIN pg_temp.rebuild_ledger k "
	"ON k.wallet_id = n.wallet_id AND n.version <= k.newest) FROM pg_temp.rebuild_ledger l)";

static Status
loss_refuse(const HistorySession *session, const Wait *wait, const char *schema)
{
	char sql[STATEMENT_BYTES];
	PGresult *result = NULL;
	Status status = history_statement_print(sql, sizeof(sql), loss_sql, schema);

	if (status_is_ok(&status))
		status =
			pg_query_run(session->connection, wait,
						 &(const PgQuery){.sql = sql, .column_count = 4, .one_row = true}, &result);
	if (!status_is_ok(&status))
		return status;

	int64_t rows = atoll(PQgetvalue(result, 0, 0));
	int64_t wallets = atoll(PQgetvalue(result, 0, 1));
	int64_t gaps = atoll(PQgetvalue(result, 0, 2));
	int64_t missing = atoll(PQgetvalue(result, 0, 3));

	PQclear(result);
	if (rows + wallets + gaps + missing == 0)
		return status;
	return status_fatal(EXIT_CODE_CONFIGURATION,
						"the topic has less than history or ledger: %lld rows would go, %lld "
						"wallets begin above version 0, %lld gaps come, %lld entries of the ledger "
						"would be missing. Publish the ledger again with "
						"wallet_bridge backfill, or insist with --accept-loss; the history is "
						"unchanged",
						(long long) rows, (long long) wallets, (long long) gaps,
						(long long) missing);
}

Status
rebuild_tables_swap(const HistorySession *session, const char *schema, bool accept_loss,
					RebuildChange *change)
{
	int64_t *const rows[SWAP_STEP_COUNT] = {
		[SWAP_REMOVE] = &change->removed,
		[SWAP_ADD] = &change->added,
		[SWAP_GAPS_ADD] = &change->gaps,
		[SWAP_CONFLICTS_ADD] = &change->conflicts,
	};
	Wait wait = wait_begin(-1, SWAP_TIMEOUT_MS);
	Status status =
		pg_command_run(session->connection, &wait,
					   "SET statement_timeout TO 0; ANALYZE pg_temp.transaction_events");

	for (int step = 0; step < SWAP_STEP_COUNT && status_is_ok(&status); step++)
	{
		status = step_run(session, &wait, schema, (SwapStep) step, rows[step]);
		if (step == SWAP_LOCK && status_is_ok(&status) && !accept_loss)
			status = loss_refuse(session, &wait, schema);
	}
	return status;
}
