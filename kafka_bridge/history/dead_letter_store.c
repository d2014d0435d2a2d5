/*
 * dead_letter_store.c
 *		In the batch's transaction: a dead letter is recorded exactly when its position moves.
 */
#include "dead_letter_store.h"

#include <string.h>

#include "array_parameter.h"

#define PUT_STATEMENT "dead_letter_put"

enum
{
	PUT_PARTITION,
	PUT_OFFSET,
	PUT_REASON,
	PUT_DETAIL,
	PUT_COUNT
};

static const char put_sql[] =
	"INSERT INTO %1$s.wallet_history_dead_letters (topic, partition, kafka_offset, reason, detail) "
	"SELECT $5, d.partition, d.kafka_offset, d.reason, d.detail "
	"FROM unnest($1::int4[], $2::int8[], $3::text[], $4::text[]) "
	"AS d(partition, kafka_offset, reason, detail) "
	"ON CONFLICT (topic, partition, kafka_offset) DO NOTHING";

Status
dead_letter_store_prepare(const HistorySession *session, const Wait *wait)
{
	return history_statement_prepare(session, wait, PUT_STATEMENT, put_sql, 0, NULL);
}

Status
dead_letter_store_put(const HistorySession *session, const Wait *wait, const char *topic,
					  const Batch *batch)
{
	static const uint32_t types[PUT_COUNT] = {ARRAY_ELEMENT_INT4, ARRAY_ELEMENT_INT8,
											  ARRAY_ELEMENT_TEXT, ARRAY_ELEMENT_TEXT};
	ArrayParameter arrays[PUT_COUNT] = {{.failed = false}};
	PgParameters parameters = {.count = 0};

	if (batch_poison_find(batch) == NULL)
		return status_ok();
	for (int i = 0; i < PUT_COUNT; i++)
		array_begin(&arrays[i], types[i]);
	for (size_t i = 0; i < batch->count; i++)
	{
		const BatchRecord *record = &batch->records[i];

		if (record->fault == NULL)
			continue;
		array_add_int4(&arrays[PUT_PARTITION], record->partition);
		array_add_int8(&arrays[PUT_OFFSET], record->offset);
		array_add_text(&arrays[PUT_REASON], record->fault->name, strlen(record->fault->name));
		array_add_text(&arrays[PUT_DETAIL], record->fault->reason, strlen(record->fault->reason));
	}
	for (int i = 0; i < PUT_COUNT; i++)
		array_end(&arrays[i], &parameters);
	pg_parameters_add_text(&parameters, topic);

	Status status = pg_parameters_run(&parameters, session->connection, wait,
									  (PgQuery){.prepared = PUT_STATEMENT}, NULL);

	for (int i = 0; i < PUT_COUNT; i++)
		array_free(&arrays[i]);
	return status;
}
