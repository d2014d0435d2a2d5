/*
 * ledger_rows.c
 *		The stored rows that belong to one operation, one after the other.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "ledger_rows.h"
#include "table_columns.h"

static void
rows_begin(LedgerRows *rows, const Ledger *ledger, KnownIndex index, const pg_uuid_t *id)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
	index_read_begin(&rows->read, RelationGetNamespace(ledger->table), index, COLUMNS_ALL, &key, 1);
	rows->context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet ledger row", ALLOCSET_SMALL_SIZES);
}

void
ledger_rows_begin(LedgerRows *rows, const Ledger *ledger, const pg_uuid_t *transaction_id)
{
	rows_begin(rows, ledger, INDEX_LEDGER_LEGS, transaction_id);
}

void
ledger_rows_begin_reversals(LedgerRows *rows, const Ledger *ledger, const pg_uuid_t *transaction_id)
{
	rows_begin(rows, ledger, INDEX_LEDGER_REVERSES, transaction_id);
}

bool
ledger_rows_next(LedgerRows *rows, LedgerRow *row)
{
	CHECK_FOR_INTERRUPTS();
	if (!index_read_next(&rows->read))
		return false;
	MemoryContextReset(rows->context);

	MemoryContext caller = MemoryContextSwitchTo(rows->context);

	ledger_read(rows->read.slot, row);
	MemoryContextSwitchTo(caller);
	return true;
}

void
ledger_rows_end(LedgerRows *rows)
{
	index_read_end(&rows->read);
	MemoryContextDelete(rows->context);
}
