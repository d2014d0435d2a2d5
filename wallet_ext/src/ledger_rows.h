/*
 * ledger_rows.h
 *		The stored rows that belong to one operation, one after the other.
 *
 * An operation may have as many rows as wallet.max_batch_items: each is read into memory that the
 * next one takes over, and between two rows a cancel is heard.
 *
 * Order of calls: ledger_rows_begin; ledger_rows_next until it returns false; ledger_rows_end.
 */
#pragma once

#include "index_read.h"
#include "ledger.h"

typedef struct LedgerRows
{
	IndexRead read;
	MemoryContext context; /* of the row that was read last */
} LedgerRows;

/* The operation's rows by leg. The active snapshot sees them. */
extern void ledger_rows_begin(LedgerRows *rows, const Ledger *ledger,
							  const pg_uuid_t *transaction_id);

/* The rows of its reversals. */
extern void ledger_rows_begin_reversals(LedgerRows *rows, const Ledger *ledger,
										const pg_uuid_t *transaction_id);

/* What row points to is valid until the next call. */
extern bool ledger_rows_next(LedgerRows *rows, LedgerRow *row);

extern void ledger_rows_end(LedgerRows *rows);
