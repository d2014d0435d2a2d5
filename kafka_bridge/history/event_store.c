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

#define COPY_PIECE_BYTES 65536

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
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;

	if (plan->unknown_count == 0)
		return status_ok();
	array_begin(&wallets, ARRAY_ELEMENT_UUID);
	for (size_t i = 0; i < plan->unknown_count; i++)
		array_add_uuid(&wallets, &plan->unknown[i]);
	array_end(&wallets, &parameters);

	Status status = pg_parameters_run(
		&parameters, session->connection, wait,
		(PgQuery){.prepared = NEWEST_STATEMENT, .binary_result = true, .column_count = 1}, &result);

	for (int row = 0; status_is_ok(&status) && row < PQntuples(result); row++)
		apply_plan_newest_set(plan, &plan->unknown[row],
							  (int64_t) wallet_get_uint64(PQgetvalue(result, row, 0)));
	PQclear(result);
	array_free(&wallets);
	return status;
}

static Status
piece_put(const HistorySession *session, const Wait *wait, Buffer *piece)
{
	Status status = pg_copy_put(session->connection, wait, piece->bytes, piece->length);

	piece->length = 0;
	return status;
}

/* In pieces: libpq would keep a buffer of the size of the largest one. */
static Status
rows_put(const HistorySession *session, const Wait *wait, EventSelection events, Buffer *piece)
{
	bool added = buffer_append(piece, EVENT_ROWS_HEAD, EVENT_ROWS_HEAD_BYTES);
	Status status = status_ok();

	for (size_t i = 0; i < events.count && added && status_is_ok(&status); i++)
	{
		const BatchRecord *record = &events.batch->records[events.indexes[i]];

		added =
			buffer_append(piece, events.batch->rows.bytes + record->row_start, record->row_length);
		if (piece->length >= COPY_PIECE_BYTES)
			status = piece_put(session, wait, piece);
	}
	added = added && buffer_append(piece, EVENT_ROWS_TAIL, EVENT_ROWS_TAIL_BYTES);
	if (!added)
		return status_bug("out of memory");
	return status_is_ok(&status) ? piece_put(session, wait, piece) : status;
}

Status
event_store_copy(const HistorySession *session, const Wait *wait, EventSelection events,
				 const char *before, const char *after)
{
	Buffer piece = {.length = 0};
	char *sql = NULL;

	if (asprintf(&sql,
				 "%sCOPY %s.transaction_events (" EVENT_ROW_COLUMNS
				 ") FROM STDIN (FORMAT binary)%s",
				 before, session->schema, after) < 0)
		return status_bug("out of memory");

	Status status = pg_copy_begin(session->connection, wait, sql);

	free(sql);
	if (status_is_ok(&status))
		status = rows_put(session, wait, events, &piece);
	buffer_free(&piece);
	return status_is_ok(&status) ? pg_copy_end(session->connection, wait, NULL) : status;
}

/* The arrays of the statements below, in the order of their parameters. */
enum
{
	EVENT_WALLET,
	EVENT_VERSION,
	EVENT_RECEIVED,
	EVENT_PARTITION,
	EVENT_OFFSET,
	EVENT_ARRAY_COUNT
};

static void
event_arrays_fill(ArrayParameter arrays[EVENT_ARRAY_COUNT], EventSelection events)
{
	static const uint32_t types[EVENT_ARRAY_COUNT] = {ARRAY_ELEMENT_UUID, ARRAY_ELEMENT_INT8,
													  ARRAY_ELEMENT_TEXT, ARRAY_ELEMENT_INT4,
													  ARRAY_ELEMENT_INT8};

	for (int i = 0; i < EVENT_ARRAY_COUNT; i++)
		array_begin(&arrays[i], types[i]);
	for (size_t i = 0; i < events.count; i++)
	{
		const BatchRecord *record = &events.batch->records[events.indexes[i]];

		array_add_uuid(&arrays[EVENT_WALLET], &record->wallet);
		array_add_int8(&arrays[EVENT_VERSION], record->version);
		array_add_text(&arrays[EVENT_RECEIVED], record->json.bytes, record->json.length);
		array_add_int4(&arrays[EVENT_PARTITION], record->partition);
		array_add_int8(&arrays[EVENT_OFFSET], record->offset);
	}
}

/*
 * Runs a statement on events. Its parameters are the first three arrays, and with a topic (which is
 * then the fourth) all of them.
 */
static Status
events_run(const HistorySession *session, const Wait *wait, EventSelection events,
		   const char *topic, PgQuery query, PGresult **result)
{
	ArrayParameter arrays[EVENT_ARRAY_COUNT] = {{.failed = false}};
	PgParameters parameters = {.count = 0};

	event_arrays_fill(arrays, events);
	for (int i = 0; i < EVENT_PARTITION; i++)
		array_end(&arrays[i], &parameters);
	if (topic != NULL)
	{
		pg_parameters_add_text(&parameters, topic);
		array_end(&arrays[EVENT_PARTITION], &parameters);
		array_end(&arrays[EVENT_OFFSET], &parameters);
	}

	Status status = pg_parameters_run(&parameters, session->connection, wait, query, result);

	for (int i = 0; i < EVENT_ARRAY_COUNT; i++)
		array_free(&arrays[i]);
	return status;
}

Status
event_store_compare(const HistorySession *session, const Wait *wait, EventSelection events,
					EventComparison *comparisons)
{
	PGresult *result = NULL;

	if (events.count == 0)
		return status_ok();

	Status status = events_run(session, wait, events, NULL,
							   (PgQuery){.prepared = COMPARE_STATEMENT,
										 .binary_result = true,
										 .column_count = 1},
							   &result);

	for (size_t i = 0; status_is_ok(&status) && i < events.count; i++)
		comparisons[i] = (EventComparison) wallet_get_uint64(PQgetvalue(result, (int) i, 0));
	PQclear(result);
	return status;
}

Status
event_store_conflict(const HistorySession *session, const Wait *wait, const char *topic,
					 EventSelection events)
{
	if (events.count == 0)
		return status_ok();
	return events_run(session, wait, events, topic, (PgQuery){.prepared = CONFLICT_STATEMENT},
					  NULL);
}

Status
event_store_try(const HistorySession *session, const Wait *wait, EventSelection events)
{
	return events_run(session, wait, events, NULL, (PgQuery){.prepared = TRY_STATEMENT}, NULL);
}
