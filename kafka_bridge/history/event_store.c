/*
 * event_store.c
 *		COPY for what is new, one set-based statement for each question.
 */
#include "event_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array_parameter.h"
#include "event_row.h"
#include "wallet_event.h"

#define NEWEST_STATEMENT   "event_newest"
#define COMPARE_STATEMENT  "event_compare"
#define CONFLICT_STATEMENT "event_conflict"
#define TRY_STATEMENT	   "event_try"

#define COPY_PIECE_BYTES 131072

static const char newest_sql[] =
	"SELECT coalesce((SELECT max(e.version) FROM %1$s.transaction_events e "
	"WHERE e.wallet_id = w.wallet_id), -1) "
	"FROM unnest($1::uuid[]) WITH ORDINALITY AS w(wallet_id, number) ORDER BY w.number";

/* 0, 1, 2 as in EventComparison. */
static const char compare_sql[] =
	"SELECT CASE WHEN e.wallet_id IS NULL THEN 0::int8 "
	"WHEN e.event_data = r.received THEN 1 "
	"WHEN jsonb_typeof(e.event_data) <> 'object' THEN 2 "
	"WHEN EXISTS (SELECT FROM jsonb_each(r.received) new JOIN jsonb_each(e.event_data) old "
	"ON old.key = new.key WHERE old.value <> new.value) THEN 2 ELSE 1 END "
	"FROM (SELECT wallet_id, version, received::jsonb AS received, number "
	"FROM unnest($1::uuid[], $2::int8[], $3::text[]) WITH ORDINALITY "
	"AS u(wallet_id, version, received, number)) r "
	"LEFT JOIN %1$s.transaction_events e "
	"ON e.wallet_id = r.wallet_id AND e.version = r.version ORDER BY r.number";

/* A record that is read again after its position was moved back by hand is recorded once. */
static const char conflict_sql[] =
	"INSERT INTO %1$s.wallet_history_conflicts "
	"(wallet_id, version, stored, received, topic, partition, kafka_offset) "
	"SELECT r.wallet_id, r.version, e.event_data, r.received::jsonb, $4, r.partition, r.kafka_offset "
	"FROM unnest($1::uuid[], $2::int8[], $3::text[], $5::int4[], $6::int8[]) "
	"AS r(wallet_id, version, received, partition, kafka_offset) "
	"JOIN %1$s.transaction_events e ON e.wallet_id = r.wallet_id AND e.version = r.version "
	"ON CONFLICT (topic, partition, kafka_offset) DO NOTHING";

static const char try_sql[] =
	"INSERT INTO %1$s.transaction_events (" EVENT_ROW_COLUMNS ") "
	"SELECT (e.data->>'event_id')::uuid, e.wallet_id, e.data->>'user_id', "
	"(e.data->>'amount')::numeric, e.data->>'event_type', (e.data->>'transaction_id')::uuid, "
	"(e.data->>'created_at')::timestamptz, e.data, e.version "
	"FROM (SELECT wallet_id, version, received::jsonb AS data "
	"FROM unnest($1::uuid[], $2::int8[], $3::text[]) AS u(wallet_id, version, received)) e "
	"ON CONFLICT (wallet_id, version) DO NOTHING";

Status
event_store_prepare(const HistorySession *session, const Wait *wait)
{
	static const Oid conflict_types[] = {0, 0, 0, ARRAY_ELEMENT_TEXT, 0, 0};
	Status status = history_statement_prepare(session, wait, NEWEST_STATEMENT, newest_sql, 0, NULL);

	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, COMPARE_STATEMENT, compare_sql, 0, NULL);
	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, CONFLICT_STATEMENT, conflict_sql, 6,
										   conflict_types);
	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, TRY_STATEMENT, try_sql, 0, NULL);
	return status;
}

Status
event_store_newest(const HistorySession *session, const Wait *wait, ApplyPlan *plan)
{
	ArrayParameter wallets = {.failed = false};
	PGresult *result = NULL;
	Status status = status_ok();

	if (plan->unknown_count == 0)
		return status;
	array_begin(&wallets, ARRAY_ELEMENT_UUID);
	for (size_t i = 0; i < plan->unknown_count; i++)
		array_add_uuid(&wallets, &plan->unknown[i]);
	if (!array_end(&wallets))
	{
		status = status_bug("out of memory");
		goto cleanup;
	}

	const char *values[] = {wallets.buffer.bytes};
	const int lengths[] = {(int) wallets.buffer.length};
	const int formats[] = {1};

	status = pg_query_run(session->connection, wait,
						  &(const PgQuery){.prepared = NEWEST_STATEMENT,
										   .parameter_count = 1,
										   .values = values,
										   .lengths = lengths,
										   .formats = formats,
										   .binary_result = true,
										   .column_count = 1},
						  &result);
	for (int row = 0; status_is_ok(&status) && row < PQntuples(result); row++)
		apply_plan_newest_set(plan, &plan->unknown[row],
							  (int64_t) wallet_get_uint64(PQgetvalue(result, row, 0)));

cleanup:
	PQclear(result);
	array_free(&wallets);
	return status;
}

/* In pieces: libpq would keep a buffer of the size of the largest one. */
static Status
rows_put(const HistorySession *session, const Wait *wait, const char *rows, size_t bytes)
{
	Status status = status_ok();

	while (bytes > 0 && status_is_ok(&status))
	{
		size_t piece = bytes < COPY_PIECE_BYTES ? bytes : COPY_PIECE_BYTES;

		status = pg_copy_put(session->connection, wait, rows, piece);
		rows += piece;
		bytes -= piece;
	}
	return status;
}

Status
event_store_copy(const HistorySession *session, const Wait *wait, const Batch *batch,
				 const uint32_t *indexes, size_t count)
{
	char sql[512];

	if (count == 0)
		return status_ok();
	snprintf(sql, sizeof(sql), "COPY %s.transaction_events (" EVENT_ROW_COLUMNS ") FROM STDIN",
			 session->schema);

	Status status = pg_copy_begin(session->connection, wait, sql);

	for (size_t i = 0; i < count && status_is_ok(&status);)
	{
		/* Lines that lie side by side go over together: as a rule the whole batch does. */
		const BatchRecord *record = &batch->records[indexes[i++]];
		size_t start = record->row_start;
		size_t end = start + record->row_length;

		while (i < count && batch->records[indexes[i]].row_start == end)
			end += batch->records[indexes[i++]].row_length;
		status = rows_put(session, wait, batch->rows.bytes + start, end - start);
	}
	return status_is_ok(&status) ? pg_copy_end(session->connection, wait, NULL) : status;
}

/* The parameters that the statements below have in common, and those of the conflicts. */
typedef struct EventArrays
{
	ArrayParameter wallets;
	ArrayParameter versions;
	ArrayParameter received;
	ArrayParameter partitions;
	ArrayParameter offsets;
} EventArrays;

static bool
event_arrays_fill(EventArrays *arrays, const Batch *batch, const uint32_t *indexes, size_t count)
{
	array_begin(&arrays->wallets, ARRAY_ELEMENT_UUID);
	array_begin(&arrays->versions, ARRAY_ELEMENT_INT8);
	array_begin(&arrays->received, ARRAY_ELEMENT_TEXT);
	array_begin(&arrays->partitions, ARRAY_ELEMENT_INT4);
	array_begin(&arrays->offsets, ARRAY_ELEMENT_INT8);
	for (size_t i = 0; i < count; i++)
	{
		const BatchRecord *record = &batch->records[indexes[i]];

		array_add_uuid(&arrays->wallets, &record->wallet);
		array_add_int8(&arrays->versions, record->version);
		array_add_text(&arrays->received, record->json.bytes, record->json.length);
		array_add_int4(&arrays->partitions, record->partition);
		array_add_int8(&arrays->offsets, record->offset);
	}
	return array_end(&arrays->wallets) && array_end(&arrays->versions) &&
		   array_end(&arrays->received) && array_end(&arrays->partitions) &&
		   array_end(&arrays->offsets);
}

static void
event_arrays_free(EventArrays *arrays)
{
	array_free(&arrays->wallets);
	array_free(&arrays->versions);
	array_free(&arrays->received);
	array_free(&arrays->partitions);
	array_free(&arrays->offsets);
}

/* Runs a statement whose parameters are the arrays, and the topic in the fourth place if given. */
static Status
event_arrays_run(const HistorySession *session, const Wait *wait, const char *statement,
				 const EventArrays *arrays, const char *topic, int column_count, PGresult **result)
{
	const char *values[] = {arrays->wallets.buffer.bytes,	 arrays->versions.buffer.bytes,
							arrays->received.buffer.bytes,	 topic,
							arrays->partitions.buffer.bytes, arrays->offsets.buffer.bytes};
	const int lengths[] = {(int) arrays->wallets.buffer.length,
						   (int) arrays->versions.buffer.length,
						   (int) arrays->received.buffer.length,
						   0,
						   (int) arrays->partitions.buffer.length,
						   (int) arrays->offsets.buffer.length};
	const int formats[] = {1, 1, 1, 0, 1, 1};

	return pg_query_run(session->connection, wait,
						&(const PgQuery){.prepared = statement,
										 .parameter_count = topic == NULL ? 3 : 6,
										 .values = values,
										 .lengths = lengths,
										 .formats = formats,
										 .binary_result = true,
										 .column_count = column_count},
						result);
}

Status
event_store_compare(const HistorySession *session, const Wait *wait, const Batch *batch,
					const uint32_t *indexes, size_t count, EventComparison *comparisons)
{
	EventArrays arrays = {.wallets = {.failed = false}};
	PGresult *result = NULL;
	Status status = status_ok();

	if (count == 0)
		return status;
	if (event_arrays_fill(&arrays, batch, indexes, count))
		status = event_arrays_run(session, wait, COMPARE_STATEMENT, &arrays, NULL, 1, &result);
	else
		status = status_bug("out of memory");
	for (size_t i = 0; status_is_ok(&status) && i < count; i++)
		comparisons[i] = (EventComparison) wallet_get_uint64(PQgetvalue(result, (int) i, 0));
	PQclear(result);
	event_arrays_free(&arrays);
	return status;
}

Status
event_store_conflict(const HistorySession *session, const Wait *wait, const char *topic,
					 const Batch *batch, const uint32_t *indexes, size_t count)
{
	EventArrays arrays = {.wallets = {.failed = false}};
	Status status = status_ok();

	if (count == 0)
		return status;
	if (event_arrays_fill(&arrays, batch, indexes, count))
		status = event_arrays_run(session, wait, CONFLICT_STATEMENT, &arrays, topic, 0, NULL);
	else
		status = status_bug("out of memory");
	event_arrays_free(&arrays);
	return status;
}

Status
event_store_try(const HistorySession *session, const Wait *wait, const Batch *batch,
				const uint32_t *indexes, size_t count)
{
	EventArrays arrays = {.wallets = {.failed = false}};
	Status status;

	if (event_arrays_fill(&arrays, batch, indexes, count))
		status = event_arrays_run(session, wait, TRY_STATEMENT, &arrays, NULL, 0, NULL);
	else
		status = status_bug("out of memory");
	event_arrays_free(&arrays);
	return status;
}
