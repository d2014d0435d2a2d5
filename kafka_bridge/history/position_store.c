/*
 * position_store.c
 *		Compare and set by fence and offset: a position moves only from where its owner left it.
 */
#include "position_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_parameter.h"
#include "wallet_event.h"

#define CLAIM_STATEMENT		  "position_claim"
#define CHECK_STATEMENT		  "position_check"
#define ADVANCE_STATEMENT	  "position_advance"
#define ADVANCE_ALL_STATEMENT "position_advance_all"
#define REACH_STATEMENT		  "position_reach"

static const char claim_sql[] =
	"WITH wanted AS (SELECT * FROM unnest($3::int4[], $4::int8[]) AS w(partition, start)), "
	"former AS (SELECT o.partition, o.owner FROM %1$s.wallet_history_offsets o "
	"JOIN wanted USING (partition) WHERE o.group_id = $1 AND o.topic = $2), "
	"claimed AS (INSERT INTO %1$s.wallet_history_offsets AS o "
	"(group_id, topic, partition, next_offset, fence, owner, source, topic_id) "
	"SELECT $1, $2, partition, start, 1, $5, nullif($6, ''), nullif($7, '') FROM wanted "
	"ORDER BY partition "
	"ON CONFLICT (group_id, topic, partition) DO UPDATE "
	"SET fence = o.fence + 1, owner = excluded.owner, "
	"source = coalesce(excluded.source, o.source), "
	"topic_id = coalesce(o.topic_id, excluded.topic_id), updated_at = clock_timestamp() "
	"RETURNING o.*) "
	"SELECT c.partition::int8, c.next_offset, c.fence, coalesce(f.owner, ''), "
	"coalesce(c.mark_offset, -1), coalesce(c.mark, 0), coalesce(c.topic_id, ''), "
	"coalesce(c.anchor_offset, -1), coalesce(c.anchor, 0), "
	"(extract(epoch FROM clock_timestamp()) * 1000000)::int8 "
	"FROM claimed c LEFT JOIN former f USING (partition)";

/* The system identifier is unsigned, and SQL's bigint is not. */
static const char source_sql[] =
	"SELECT coalesce(CASE WHEN (SELECT pg_relation_size(c.oid) FROM pg_class c "
	"JOIN pg_extension e ON e.extnamespace = c.relnamespace WHERE e.extname = 'wallet' "
	"AND c.relname = 'wallet_ledger') > 0 THEN '/wallet/' || "
	"(SELECT system_identifier + CASE WHEN system_identifier < 0 THEN 18446744073709551616 ELSE 0 "
	"END FROM pg_control_system()) || '/' || current_database() END, nullif($3, ''), "
	"(SELECT max(source) FROM %1$s.wallet_history_offsets WHERE group_id = $1 AND topic = $2), '')";

/* The batch's positions, from one array of a row each. */
#define POSITION_COLUMNS 7
#define POSITIONS                                                                                \
	"(SELECT n[i][1] AS partition, n[i][2] AS fence, n[i][3] AS from_offset, "                   \
	"n[i][4] AS next_offset, n[i][5] AS last_event_us, n[i][6] AS mark_offset, n[i][7] AS mark " \
	"FROM (SELECT $3::int8[] AS n) AS numbers, generate_subscripts(n, 1) AS i) AS b"

static const char check_sql[] =
	"SELECT count(*) FILTER (WHERE o.fence = b.fence AND o.next_offset = b.from_offset), "
	"count(*) FILTER (WHERE o.fence = b.fence AND o.next_offset = b.next_offset) "
	"FROM " POSITIONS " JOIN %1$s.wallet_history_offsets o "
	"ON o.group_id = $1 AND o.topic = $2 AND o.partition = b.partition";

#define ADVANCE                                                                                \
	"UPDATE %1$s.wallet_history_offsets o SET next_offset = b.next_offset, "                   \
	"mark_offset = CASE WHEN b.mark_offset < 0 THEN o.mark_offset ELSE b.mark_offset END, "    \
	"mark = CASE WHEN b.mark_offset < 0 THEN o.mark ELSE b.mark END, "                         \
	"last_event_at = (SELECT CASE WHEN t.at > now() THEN now() ELSE t.at END FROM "            \
	"(SELECT greatest(o.last_event_at, 'epoch'::timestamptz + nullif(b.last_event_us, 0) "     \
	"* interval '1 microsecond')) AS t(at)), "                                                 \
	"source = coalesce(o.source, nullif($4, '')), updated_at = clock_timestamp() "             \
	"FROM " POSITIONS " WHERE o.group_id = $1 AND o.topic = $2 AND o.partition = b.partition " \
	"AND o.fence = b.fence AND o.next_offset = b.from_offset"

static const char advance_sql[] = ADVANCE;

/* $5: how many must move. There is no other division in what goes over with it. */
static const char advance_all_sql[] = "WITH moved AS (" ADVANCE " RETURNING 1) "
									  "SELECT 1 / (count(*) = $5)::int4 FROM moved";

#define REACH_COLUMNS 6

/* By this server's clock never in the future, and not where commits were lost. A row that a batch
 * has is left for the next time: two that wait for each other's rows would be a deadlock. */
static const char reach_sql[] =
	"WITH told AS (SELECT n[i][1] AS partition, n[i][2] AS fence, n[i][3] AS complete_at_us, "
	"n[i][4] AS anchor_offset, n[i][5] AS anchor, n[i][6] AS next_offset "
	"FROM (SELECT $3::int8[] AS n) AS numbers, generate_subscripts(n, 1) AS i), "
	"idle AS (SELECT o.partition FROM told t JOIN %1$s.wallet_history_offsets o "
	"ON o.group_id = $1 AND o.topic = $2 AND o.partition = t.partition "
	"FOR NO KEY UPDATE OF o SKIP LOCKED), "
	"stored AS (UPDATE %1$s.wallet_history_offsets o SET complete_at = "
	"least(now(), greatest(o.complete_at, "
	"'epoch'::timestamptz + nullif(t.complete_at_us, 0) * interval '1 microsecond')), "
	"anchor_offset = CASE WHEN t.anchor_offset < 0 THEN o.anchor_offset ELSE t.anchor_offset END, "
	"anchor = CASE WHEN t.anchor_offset < 0 THEN o.anchor ELSE t.anchor END "
	"FROM told t JOIN idle USING (partition) "
	"WHERE o.group_id = $1 AND o.topic = $2 AND o.partition = t.partition "
	"AND o.fence = t.fence AND o.next_offset >= t.next_offset "
	"AND (t.complete_at_us > 0 OR t.anchor_offset >= 0)) "
	"SELECT count(*) FROM told t LEFT JOIN %1$s.wallet_history_offsets o "
	"ON o.group_id = $1 AND o.topic = $2 AND o.partition = t.partition "
	"WHERE o.partition IS NULL OR o.fence < t.fence "
	"OR (o.fence = t.fence AND o.next_offset < t.next_offset)";

Status
position_store_prepare(const HistorySession *session, const Wait *wait)
{
	Status status = history_statement_prepare(session, wait, CLAIM_STATEMENT, claim_sql, 0, NULL);

	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, CHECK_STATEMENT, check_sql, 0, NULL);
	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, ADVANCE_STATEMENT, advance_sql, 0, NULL);
	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, ADVANCE_ALL_STATEMENT, advance_all_sql, 0,
										   NULL);
	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, REACH_STATEMENT, reach_sql, 0, NULL);
	return status;
}

static int64_t
number_read(const PGresult *result, int row, int column)
{
	return (int64_t) wallet_get_uint64(PQgetvalue(result, row, column));
}

static void
claims_read(const PGresult *result, const char *source, PositionClaim *claims, size_t count)
{
	for (int row = 0; row < PQntuples(result); row++)
	{
		int64_t partition = number_read(result, row, 0);

		for (size_t i = 0; i < count; i++)
		{
			PositionClaim *claim = &claims[i];

			if (claim->partition != partition)
				continue;
			claim->next_offset = number_read(result, row, 1);
			claim->fence = number_read(result, row, 2);
			memcpy(claim->source, source, EVENT_SOURCE_BYTES);
			snprintf(claim->former_owner, sizeof(claim->former_owner), "%s",
					 PQgetvalue(result, row, 3));
			claim->mark.offset = number_read(result, row, 4);
			claim->mark.hash = number_read(result, row, 5);
			snprintf(claim->topic_id, sizeof(claim->topic_id), "%s", PQgetvalue(result, row, 6));
			claim->anchor.offset = number_read(result, row, 7);
			claim->anchor.hash = number_read(result, row, 8);
			claim->server_us = number_read(result, row, 9);
		}
	}
}

/*
 * The group's source: the own ledger's where it was ever written to, else what was told, else what
 * is stored. The extension's schema is asked for: a rebuild's session has one of its own.
 */
static Status
source_find(const HistorySession *session, const Wait *wait, const PositionKey *key,
			char source[EVENT_SOURCE_BYTES])
{
	HistorySession named = {.connection = session->connection};
	char told[EVENT_SOURCE_BYTES];
	char sql[HISTORY_STATEMENT_BYTES];
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;
	Status status = history_schema_find(&named, wait);

	event_source_first(key->source, told);
	pg_parameters_add_text(&parameters, key->group);
	pg_parameters_add_text(&parameters, key->topic);
	pg_parameters_add_text(&parameters, told);
	if (status_is_ok(&status))
		status = history_statement_print(sql, sizeof(sql), source_sql, named.schema);
	if (status_is_ok(&status))
		status =
			pg_parameters_run(&parameters, session->connection, wait,
							  (PgQuery){.sql = sql, .column_count = 1, .one_row = true}, &result);
	if (status_is_ok(&status))
		snprintf(source, EVENT_SOURCE_BYTES, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	free(named.schema);
	return status;
}

Status
position_store_claim(const HistorySession *session, const Wait *wait, const PositionKey *key,
					 const char *owner, PositionClaim *claims, size_t count)
{
	ArrayParameter partitions = {.failed = false};
	ArrayParameter starts = {.failed = false};
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;
	char source[EVENT_SOURCE_BYTES];
	Status status = source_find(session, wait, key, source);

	if (!status_is_ok(&status))
		return status;
	array_begin(&partitions, ARRAY_ELEMENT_INT4);
	array_begin(&starts, ARRAY_ELEMENT_INT8);
	for (size_t i = 0; i < count; i++)
	{
		array_add_int4(&partitions, claims[i].partition);
		array_add_int8(&starts, claims[i].start_offset);
	}
	pg_parameters_add_text(&parameters, key->group);
	pg_parameters_add_text(&parameters, key->topic);
	array_end(&partitions, &parameters);
	array_end(&starts, &parameters);
	pg_parameters_add_text(&parameters, owner);
	pg_parameters_add_text(&parameters, source);
	pg_parameters_add_text(&parameters, claims[0].topic_id);

	status = pg_parameters_run(
		&parameters, session->connection, wait,
		(PgQuery){.prepared = CLAIM_STATEMENT, .binary_result = true, .column_count = 10}, &result);

	if (status_is_ok(&status))
		claims_read(result, source, claims, count);
	PQclear(result);
	array_free(&partitions);
	array_free(&starts);
	return status;
}

Status
position_store_reach(const HistorySession *session, const Wait *wait, const PositionKey *key,
					 const PositionReach *reaches, size_t count, bool *lost)
{
	ArrayParameter numbers = {.failed = false};
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;

	*lost = false;
	if (count == 0)
		return status_ok();
	array_begin_table(&numbers, ARRAY_ELEMENT_INT8, REACH_COLUMNS);
	for (size_t i = 0; i < count; i++)
	{
		array_add_int8(&numbers, reaches[i].partition);
		array_add_int8(&numbers, reaches[i].fence);
		array_add_int8(&numbers, reaches[i].complete_at_us);
		array_add_int8(&numbers, reaches[i].anchor.offset);
		array_add_int8(&numbers, reaches[i].anchor.hash);
		array_add_int8(&numbers, reaches[i].next_offset);
	}
	pg_parameters_add_text(&parameters, key->group);
	pg_parameters_add_text(&parameters, key->topic);
	array_end(&numbers, &parameters);

	Status status =
		pg_parameters_run(&parameters, session->connection, wait,
						  (PgQuery){.prepared = REACH_STATEMENT, .column_count = 1}, &result);

	if (status_is_ok(&status))
		*lost = strtoull(PQgetvalue(result, 0, 0), NULL, 10) > 0;
	PQclear(result);
	array_free(&numbers);
	return status;
}

static void
position_columns_fill(const Batch *batch, const BatchPosition *position,
					  int64_t columns[POSITION_COLUMNS])
{
	PositionMark mark = batch_position_mark(batch, position);

	columns[0] = position->partition;
	columns[1] = position->fence;
	columns[2] = position->from_offset;
	columns[3] = position->next_offset;
	columns[4] = position->last_event_us;
	columns[5] = mark.offset;
	columns[6] = mark.hash;
}

static void
positions_add(ArrayParameter *numbers, const Batch *batch)
{
	array_begin_table(numbers, ARRAY_ELEMENT_INT8, POSITION_COLUMNS);
	for (size_t i = 0; i < batch->position_count; i++)
	{
		int64_t columns[POSITION_COLUMNS];

		position_columns_fill(batch, &batch->positions[i], columns);
		for (int column = 0; column < POSITION_COLUMNS; column++)
			array_add_int8(numbers, columns[column]);
	}
}

/* Runs a statement of the batch's positions: group, topic, POSITIONS, and the source if any. */
static Status
positions_run(const HistorySession *session, const Wait *wait, const PositionKey *key,
			  const Batch *batch, const char *source, PgQuery query, PGresult **result)
{
	ArrayParameter numbers = {.failed = false};
	PgParameters parameters = {.count = 0};

	positions_add(&numbers, batch);
	pg_parameters_add_text(&parameters, key->group);
	pg_parameters_add_text(&parameters, key->topic);
	array_end(&numbers, &parameters);
	if (source != NULL)
		pg_parameters_add_text(&parameters, source);

	Status status = pg_parameters_run(&parameters, session->connection, wait, query, result);

	array_free(&numbers);
	return status;
}

Status
position_store_check(const HistorySession *session, const Wait *wait, const PositionKey *key,
					 const Batch *batch, PositionState *state)
{
	PGresult *result = NULL;
	Status status =
		positions_run(session, wait, key, batch, NULL,
					  (PgQuery){.prepared = CHECK_STATEMENT, .column_count = 2}, &result);

	if (!status_is_ok(&status))
		return status;

	size_t before = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
	size_t after = strtoull(PQgetvalue(result, 0, 1), NULL, 10);

	*state = before == batch->position_count  ? POSITIONS_BEFORE
			 : after == batch->position_count ? POSITIONS_AFTER
											  : POSITIONS_FENCED;
	PQclear(result);
	return status;
}

Status
position_store_advance(const HistorySession *session, const Wait *wait, const PositionKey *key,
					   const Batch *batch, bool *fenced)
{
	PGresult *result = NULL;
	Status status =
		positions_run(session, wait, key, batch, batch->source == NULL ? "" : batch->source,
					  (PgQuery){.prepared = ADVANCE_STATEMENT}, &result);

	if (!status_is_ok(&status))
		return status;
	*fenced = strtoull(PQcmdTuples(result), NULL, 10) != batch->position_count;
	PQclear(result);
	return status;
}

#define NUMBER_BYTES_MAX 24

/* {{1,2},{3,4}} of the positions. */
static bool
positions_print(Buffer *text, const Batch *batch)
{
	bool printed = true;

	for (size_t i = 0; i < batch->position_count && printed; i++)
	{
		int64_t columns[POSITION_COLUMNS];

		position_columns_fill(batch, &batch->positions[i], columns);
		for (int column = 0; column < POSITION_COLUMNS && printed; column++)
		{
			char number[NUMBER_BYTES_MAX];
			int length = snprintf(number, sizeof(number), "%s%lld",
								  column > 0 ? ","
								  : i > 0	 ? "},{"
											 : "{{",
								  (long long) columns[column]);

			printed = buffer_append(text, number, (size_t) length);
		}
	}
	return printed && buffer_append(text, "}}", sizeof("}}"));
}

char *
position_store_advance_print(const HistorySession *session, const PositionKey *key,
							 const Batch *batch)
{
	const char *source = batch->source == NULL ? "" : batch->source;
	char *texts[3] = {
		PQescapeLiteral(session->connection, key->group, strlen(key->group)),
		PQescapeLiteral(session->connection, key->topic, strlen(key->topic)),
		PQescapeLiteral(session->connection, source, strlen(source)),
	};
	Buffer positions = {.length = 0};
	char *statement = NULL;

	if (texts[0] != NULL && texts[1] != NULL && texts[2] != NULL &&
		positions_print(&positions, batch) &&
		asprintf(&statement, "EXECUTE " ADVANCE_ALL_STATEMENT "(%s, %s, '%s', %s, %zu)", texts[0],
				 texts[1], positions.bytes, texts[2], batch->position_count) < 0)
		statement = NULL;
	for (int i = 0; i < 3; i++)
		PQfreemem(texts[i]);
	buffer_free(&positions);
	return statement;
}
