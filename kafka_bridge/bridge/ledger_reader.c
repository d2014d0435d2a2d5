/*
 * ledger_reader.c
 *		Reads the ledger's rows, as events, in key order. Knows nothing of Kafka.
 *
 * A cursor, so that neither side holds more than one page. The transaction id begins with the time
 * in milliseconds: a range of times is a range of the primary key, with a second of slack, and the
 * exact times are compared as well.
 */
#include "ledger_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "wallet_event.h"

#define FETCH_SQL "FETCH 2000 FROM ledger_reader"
#define SQL_BYTES 2048
#define TIME_AS_KEY(parameter, slack)                                                  \
	"(pg_catalog.lpad(pg_catalog.to_hex((GREATEST(LEAST(EXTRACT(EPOCH FROM " parameter \
	"::timestamptz) * 1000 + " slack ", 281474976710655), 0))::bigint), 12, '0') || "  \
	"'00000000000000000000')::uuid"

enum
{
	COLUMN_WALLET_ID,
	COLUMN_EVENT_ID,
	COLUMN_CREATED_AT,
	COLUMN_EVENT,
	COLUMN_ERROR,
	COLUMN_COUNT
};

struct LedgerReader
{
	PGconn *connection;
	PGresult *page;
	int row; /* of the page, the next one */
};

Status
ledger_reader_open(PGconn *connection, const char *schema, const LedgerRange *range,
				   const Wait *wait, LedgerReader **reader)
{
	char sql[SQL_BYTES];
	const char *const values[] = {range->from, range->to, range->wallet};
	LedgerReader *opened = calloc(1, sizeof(*opened));

	*reader = NULL;
	if (opened == NULL)
		return status_bug("out of memory");
	opened->connection = connection;

	snprintf(
		sql, sizeof(sql),
		"DECLARE ledger_reader NO SCROLL CURSOR FOR "
		"SELECT e.wallet_id, e.event_id, (EXTRACT(EPOCH FROM e.created_at) * 1000000)::bigint, "
		"e.event, e.error "
		"FROM %s.%s AS l CROSS JOIN LATERAL %s.wallet_ledger_events(l) AS e "
		"WHERE ($1::text IS NULL OR (l.created_at >= $1::timestamptz AND l.transaction_id >= " TIME_AS_KEY(
			"$1",
			"-1000") ")) "
					 "AND ($2::text IS NULL OR (l.created_at < $2::timestamptz AND l.transaction_id < " TIME_AS_KEY(
						 "$2",
						 "1000") ")) "
								 "AND ($3::text IS NULL OR (e.wallet_id = $3::uuid AND "
								 "(l.from_wallet_id = $3::uuid OR l.to_wallet_id = $3::uuid))) "
								 "ORDER BY l.transaction_id, l.leg, e.ordinal",
		schema, WALLET_LEDGER_NAME, schema);

	/* Rows are wanted as they come, not after a sort of the whole ledger. */
	Status status = pg_command_run(connection, wait, "SET LOCAL cursor_tuple_fraction = 0.0001");

	if (status_is_ok(&status))
		status = pg_query_run(connection, wait,
							  &(PgQuery){.sql = sql, .parameter_count = 3, .values = values}, NULL);
	if (!status_is_ok(&status))
		ledger_reader_close(&opened);
	*reader = opened;
	return status_prefix(status, "could not read the ledger");
}

void
ledger_reader_close(LedgerReader **reader)
{
	LedgerReader *closed = *reader;

	*reader = NULL;
	if (closed == NULL)
		return;
	PQclear(closed->page);
	free(closed);
}

static int64_t
number_get(const LedgerReader *reader, int column)
{
	return atoll(PQgetvalue(reader->page, reader->row, column));
}

bool
ledger_reader_asks_next(const LedgerReader *reader)
{
	return reader->page == NULL || reader->row == PQntuples(reader->page);
}

Status
ledger_reader_next(LedgerReader *reader, const Wait *wait, LedgerEvent *event, bool *found)
{
	if (ledger_reader_asks_next(reader))
	{
		PQclear(reader->page);
		reader->page = NULL;
		reader->row = 0;

		Status status =
			pg_query_run(reader->connection, wait,
						 &(PgQuery){.sql = FETCH_SQL, .column_count = COLUMN_COUNT}, &reader->page);

		if (!status_is_ok(&status))
			return status_prefix(status, "could not read the ledger");
	}
	*found = PQntuples(reader->page) > 0;
	if (!*found)
		return status_ok();

	bool failed = PQgetisnull(reader->page, reader->row, COLUMN_EVENT);

	*event = (LedgerEvent){
		.wallet_id = PQgetvalue(reader->page, reader->row, COLUMN_WALLET_ID),
		.event_id = PQgetvalue(reader->page, reader->row, COLUMN_EVENT_ID),
		.created_at = number_get(reader, COLUMN_CREATED_AT),
		.json = PQgetvalue(reader->page, reader->row, COLUMN_EVENT),
		.json_bytes = (size_t) PQgetlength(reader->page, reader->row, COLUMN_EVENT),
		.error = failed ? PQgetvalue(reader->page, reader->row, COLUMN_ERROR) : NULL,
	};
	reader->row++;
	return status_ok();
}
