/*
 * ledger_many.h
 *		Appends many rows of the ledger at once.
 *
 * Rows are inserted together, so that each page is changed and logged once, and entered into each
 * index in its own order. One row alone, and the rows of a table that carries more than the
 * extension's own, go one by one (ledger.h).
 *
 * Order of calls: as in ledger.h, ledger_insert_all before ledger_enter_keys.
 */
#pragma once

#include "ledger.h"

/* Appends the rows, in order, all but their idempotency keys. */
extern void ledger_insert_all(Ledger *ledger, LedgerRow *rows, int count);

/* Enters the keys of appended rows, in order. Where one exists already, on_duplicate raises. */
extern void ledger_enter_keys(Ledger *ledger, LedgerRow *const *rows, int count,
							  void (*on_duplicate)(void *argument), void *argument);
