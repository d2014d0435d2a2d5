/*
 * gap_store.c
 *		Gaps leave the table whole and what is left of them comes back: how they are cut is decided
 *		in gap.c.
 */
#include "gap_store.h"

#include <string.h>

#include "array_parameter.h"
#include "wallet_event.h"

#define TAKE_STATEMENT "gap_take"
#define PUT_STATEMENT  "gap_put"

static const char take_sql[] =
	"DELETE FROM %1$s.wallet_history_gaps g USING unnest($1::uuid[], $2::int8[]) "
	"AS f(wallet_id, version) "
	"WHERE g.wallet_id = f.wallet_id AND f.version BETWEEN g.from_version AND g.to_version "
	"RETURNING g.wallet_id, g.from_version, g.to_version, g.partition, g.kafka_offset, "
	"(extract(epoch FROM g.seen_at) * 1000000)::int8";

static const char put_sql[] =
	"INSERT INTO %1$s.wallet_history_gaps AS g "
	"(wallet_id, from_version, to_version, topic, partition, kafka_offset, seen_at) "
	"SELECT r.wallet_id, r.from_version, r.to_version, $6, r.partition, r.kafka_offset, "
	"coalesce('epoch'::timestamptz + nullif(r.seen_at_us, 0) * interval '1 microsecond', "
	"clock_timestamp()) "
	"FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::int4[], $5::int8[], $7::int8[]) "
	"AS r(wallet_id, from_version, to_version, partition, kafka_offset, seen_at_us) "
	"ON CONFLICT (wallet_id, from_version) DO UPDATE "
	"SET to_version = greatest(g.to_version, excluded.to_version)";

Status
gap_store_prepare(const HistorySession *session, const Wait *wait)
{
	Status status = history_statement_prepare(session, wait, TAKE_STATEMENT, take_sql, 0, NULL);

	if (status_is_ok(&status))
		status = history_statement_prepare(session, wait, PUT_STATEMENT, put_sql, 0, NULL);
	return status;
}

static bool
gaps_read(const PGresult *result, GapList *taken)
{
	for (int row = 0; row < PQntuples(result); row++)
	{
		Gap gap = {
			.from_version = (int64_t) wallet_get_uint64(PQgetvalue(result, row, 1)),
			.to_version = (int64_t) wallet_get_uint64(PQgetvalue(result, row, 2)),
			.partition = (int32_t) wallet_get_uint32(PQgetvalue(result, row, 3)),
			.offset = (int64_t) wallet_get_uint64(PQgetvalue(result, row, 4)),
			.seen_at_us = (int64_t) wallet_get_uint64(PQgetvalue(result, row, 5)),
		};

		memcpy(gap.wallet.bytes, PQgetvalue(result, row, 0), sizeof(gap.wallet.bytes));
		if (!gap_list_add(taken, &gap))
			return false;
	}
	return true;
}

Status
gap_store_take(const HistorySession *session, const Wait *wait, const WalletVersion *versions,
			   size_t count, GapList *taken)
{
	ArrayParameter wallets = {.failed = false};
	ArrayParameter numbers = {.failed = false};
	PgParameters parameters = {.count = 0};
	PGresult *result = NULL;

	array_begin(&wallets, ARRAY_ELEMENT_UUID);
	array_begin(&numbers, ARRAY_ELEMENT_INT8);
	for (size_t i = 0; i < count; i++)
	{
		array_add_uuid(&wallets, &versions[i].wallet);
		array_add_int8(&numbers, versions[i].version);
	}
	array_end(&wallets, &parameters);
	array_end(&numbers, &parameters);

	Status status = pg_parameters_run(
		&parameters, session->connection, wait,
		(PgQuery){.prepared = TAKE_STATEMENT, .binary_result = true, .column_count = 6}, &result);

	if (status_is_ok(&status) && !gaps_read(result, taken))
		status = status_bug("out of memory");
	PQclear(result);
	array_free(&wallets);
	array_free(&numbers);
	return status;
}

/* The arrays of put_sql, in the order of its parameters; the topic stands between them. */
enum
{
	PUT_WALLET,
	PUT_FROM,
	PUT_TO,
	PUT_PARTITION,
	PUT_OFFSET,
	PUT_SEEN_AT,
	PUT_COUNT
};

static void
put_parameters_fill(PgParameters *parameters, ArrayParameter arrays[PUT_COUNT], const char *topic,
					const GapList *gaps)
{
	static const uint32_t types[PUT_COUNT] = {ARRAY_ELEMENT_UUID, ARRAY_ELEMENT_INT8,
											  ARRAY_ELEMENT_INT8, ARRAY_ELEMENT_INT4,
											  ARRAY_ELEMENT_INT8, ARRAY_ELEMENT_INT8};

	for (int i = 0; i < PUT_COUNT; i++)
		array_begin(&arrays[i], types[i]);
	for (size_t i = 0; i < gaps->count; i++)
	{
		const Gap *gap = &gaps->gaps[i];

		array_add_uuid(&arrays[PUT_WALLET], &gap->wallet);
		array_add_int8(&arrays[PUT_FROM], gap->from_version);
		array_add_int8(&arrays[PUT_TO], gap->to_version);
		array_add_int4(&arrays[PUT_PARTITION], gap->partition);
		array_add_int8(&arrays[PUT_OFFSET], gap->offset);
		array_add_int8(&arrays[PUT_SEEN_AT], gap->seen_at_us);
	}
	for (int i = 0; i < PUT_SEEN_AT; i++)
		array_end(&arrays[i], parameters);
	pg_parameters_add_text(parameters, topic);
	array_end(&arrays[PUT_SEEN_AT], parameters);
}

Status
gap_store_put(const HistorySession *session, const Wait *wait, const char *topic,
			  const GapList *gaps)
{
	ArrayParameter arrays[PUT_COUNT] = {{.failed = false}};
	PgParameters parameters = {.count = 0};

	if (gaps->count == 0)
		return status_ok();
	put_parameters_fill(&parameters, arrays, topic, gaps);

	Status status = pg_parameters_run(&parameters, session->connection, wait,
									  (PgQuery){.prepared = PUT_STATEMENT}, NULL);

	for (int i = 0; i < PUT_COUNT; i++)
		array_free(&arrays[i]);
	return status;
}
