/*
 * journal.h
 *		The ledger rows a call is going to append, and what they do to its wallets.
 *
 * "Journal" is the list of a call's rows in the order of versions. Each row takes the wallets on
 * its sides one version on, in wallet->next, and states what they are then (INV-2). Nothing is
 * written before journal_write, so that what a call finds on the way can still refuse it.
 *
 * Order of calls: journal_init; for each operation journal_begin with all its wallets, then
 * journal_append for each of its movements; journal_write after the wallets are written.
 * journal_truncate takes the newest rows back, not what they did to the wallets.
 */
#pragma once

#include "fault.h"
#include "ledger.h"
#include "request.h"

typedef struct Journal
{
	LedgerRow *rows;
	int count;
	int capacity;
	MemoryContext context; /* of the rows */
	LedgerCaller caller;
	bool seals; /* of the rows that are added */
	/* The operation that journal_append adds to. */
	const Request *request; /* NULL: one that nobody asked for, an expiry */
	pg_uuid_t transaction_id;
	TimestampTz created_at;
	int leg;
} Journal;

/* The rows will live in the current memory context. */
extern void journal_init(Journal *journal);

/* Makes room for so many rows at once; the journal must be empty. */
extern void journal_reserve(Journal *journal, int rows);

/* Begins an operation that was judged at `now`, after the newest entries of its wallets; NULL ones
 * are skipped. */
extern void journal_begin(Journal *journal, const Request *request, TimestampTz now,
						  Wallet *const *wallets, int count);

/* Adds a movement of the operation and steps its wallets; NULL is outside. The row is valid until
 * the next one is added. */
extern LedgerRow *journal_append(Journal *journal, LedgerKind kind, Wallet *from, Wallet *to,
								 Money amount);

extern void journal_truncate(Journal *journal, int count);

/* Appends the rows to the ledger, in order, then enters their keys in byte order (INV-11).
 * Raises 40001, or WL005 where it can tell, for a key that another call has taken meanwhile. */
extern void journal_write(const Journal *journal, Ledger *ledger, Snapshot snapshot);
