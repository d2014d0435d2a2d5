/*
 * ledger_reader.h
 *		Reads the ledger's rows, as events, in key order. Knows nothing of Kafka.
 *
 * The event's JSON comes from the extension's own function, so that it has one writer. The key
 * (transaction_id, leg) is in version order for every wallet.
 *
 * Legal order: open inside a transaction of the caller's, next until it finds nothing, close.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postgres/client.h"
#include "base/status.h"
#include "base/wait.h"

typedef struct LedgerReader LedgerReader;

/* All NULL: everything. Texts as PostgreSQL reads them. */
typedef struct LedgerRange
{
	const char *from;	/* created_at, inclusive */
	const char *to;		/* created_at, exclusive */
	const char *wallet; /* only this wallet's events */
} LedgerRange;

typedef struct LedgerEvent
{
	const char *wallet_id; /* 36 characters */
	const char *event_id;  /* 36 characters */
	int64_t created_at;	   /* microseconds since 1970 */
	const char *json;
	size_t json_bytes;
	const char *error; /* why there is no JSON; NULL where there is */
} LedgerEvent;

/* schema is that of the extension, quoted where needed. On OK *reader is the caller's. */
Status ledger_reader_open(PGconn *connection, const char *schema, const LedgerRange *range,
						  const Wait *wait, LedgerReader **reader);
void ledger_reader_close(LedgerReader **reader);

/* Whether the next event must be asked for from the server, which may take long. */
bool ledger_reader_asks_next(const LedgerReader *reader);

/* The next event, valid until the next call; *found is false after the last one. */
Status ledger_reader_next(LedgerReader *reader, const Wait *wait, LedgerEvent *event, bool *found);
