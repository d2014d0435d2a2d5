/*
 * hold_table.c
 *		The rows of wallet_holds: find, list, insert, update.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "errors.h"
#include "hold_table.h"
#include "index_read.h"
#include "table_row.h"
#include "text_value.h"

static const char *const status_names[] = {
	[HOLD_OPEN] = "open",
	[HOLD_CAPTURED] = "captured",
	[HOLD_RELEASED] = "released",
	[HOLD_EXPIRED] = "expired",
};

void
hold_table_open(HoldTable *holds)
{
	holds->table = relation_cache_open(TABLE_HOLDS, &holds->description);
}

void
hold_table_close(HoldTable *holds)
{
	table_close(holds->table, NoLock);
}

const char *
hold_row_status_name(HoldStatus status)
{
	return status_names[status];
}

static HoldStatus
hold_row_status_from_text(const text *name)
{
	return (HoldStatus) text_to_enum(name, status_names, lengthof(status_names), "hold status");
}

Money
hold_row_remaining(const Hold *hold)
{
	return money_subtract(hold->amount, money_add(hold->captured, hold->released));
}

void
hold_row_read_slot(TupleTableSlot *slot, Hold *hold)
{
	slot_getallattrs(slot);

	const Datum *columns = slot->tts_values;

	hold->id = *DatumGetUUIDP(columns[HOLDS_HOLD_ID - 1]);
	hold->wallet_id = *DatumGetUUIDP(columns[HOLDS_WALLET_ID - 1]);
	hold->amount = money_from_column(columns[HOLDS_AMOUNT - 1]);
	hold->captured = money_from_column(columns[HOLDS_CAPTURED - 1]);
	hold->released = money_from_column(columns[HOLDS_RELEASED - 1]);
	hold->status = hold_row_status_from_text(DatumGetTextPP(columns[HOLDS_STATUS - 1]));
	hold->expires_at = DatumGetTimestampTz(columns[HOLDS_EXPIRES_AT - 1]);
	hold->created_at = DatumGetTimestampTz(columns[HOLDS_CREATED_AT - 1]);
	hold->tid = slot->tts_tid;
}

static void
hold_row_read_begin(IndexRead *read, const HoldTable *holds, KnownIndex index, ScanKey keys,
					int count)
{
	index_read_begin(read, RelationGetNamespace(holds->table), index, COLUMNS_ALL, keys, count);
}

bool
hold_row_find(HoldTable *holds, const pg_uuid_t *id, Hold *hold)
{
	IndexRead read;
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
	hold_row_read_begin(&read, holds, INDEX_HOLDS_ID, &key, 1);

	bool found = index_read_next(&read);

	if (found)
		hold_row_read_slot(read.slot, hold);
	index_read_end(&read);
	return found;
}

/*
 * The open holds that a scan of one of the indexes finds, at most max; what all others keep is
 * added to *rest, which may be NULL.
 */
static List *
hold_row_list(HoldTable *holds, KnownIndex index, ScanKey keys, int count, int max, Money *rest)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext row = AllocSetContextCreate(caller, "wallet hold row", ALLOCSET_SMALL_SIZES);
	IndexRead read;
	List *found = NIL;

	hold_row_read_begin(&read, holds, index, keys, count);
	while ((rest != NULL || list_length(found) < max) && index_read_next(&read))
	{
		Hold hold;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(row);
		MemoryContextSwitchTo(row);
		hold_row_read_slot(read.slot, &hold);
		MemoryContextSwitchTo(caller);
		if (hold.status != HOLD_OPEN)
			continue;
		if (list_length(found) < max)
			found = lappend(found, memcpy(palloc(sizeof(Hold)), &hold, sizeof(Hold)));
		else
			*rest = money_add(*rest, hold_row_remaining(&hold));
	}
	index_read_end(&read);
	MemoryContextDelete(row);
	return found;
}

List *
hold_row_list_expired(HoldTable *holds, const pg_uuid_t *wallet_id, TimestampTz now, int max,
					  Money *rest)
{
	ScanKeyData keys[2];

	*rest = 0;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(wallet_id));
	ScanKeyInit(&keys[1], 2, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(now));
	return hold_row_list(holds, INDEX_HOLDS_OPEN, keys, lengthof(keys), max, rest);
}

List *
hold_row_list_all_expired(HoldTable *holds, TimestampTz now, int max)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(now));
	return hold_row_list(holds, INDEX_HOLDS_EXPIRY, &key, 1, max, NULL);
}

/* A hold is never taken for more than it is: what is there isn't what the ledger says. */
static void
hold_row_check(const Hold *hold)
{
	if (hold->captured < 0 || hold->released < 0 || hold_row_remaining(hold) < 0)
		error_raise_invariant("INV-2", &hold->wallet_id, "rest of a hold",
							  money_format(hold_row_remaining(hold)));
}

/* A virtual slot with the hold's columns. */
static TupleTableSlot *
hold_row_make_slot(const HoldTable *holds, const Hold *hold)
{
	TupleTableSlot *slot = table_row_make(holds->table, holds->description);
	Datum *values = slot->tts_values;

	hold_row_check(hold);
	memset(slot->tts_isnull, false, sizeof(bool) * HOLDS_COLUMNS);
	values[HOLDS_HOLD_ID - 1] = UUIDPGetDatum(&hold->id);
	values[HOLDS_WALLET_ID - 1] = UUIDPGetDatum(&hold->wallet_id);
	values[HOLDS_AMOUNT - 1] = money_to_column(hold->amount);
	values[HOLDS_CAPTURED - 1] = money_to_column(hold->captured);
	values[HOLDS_RELEASED - 1] = money_to_column(hold->released);
	values[HOLDS_STATUS - 1] = CStringGetTextDatum(hold_row_status_name(hold->status));
	values[HOLDS_EXPIRES_AT - 1] = TimestampTzGetDatum(hold->expires_at);
	values[HOLDS_CREATED_AT - 1] = TimestampTzGetDatum(hold->created_at);
	return ExecStoreVirtualTuple(slot);
}

void
hold_row_insert(HoldTable *holds, const Hold *hold)
{
	TupleTableSlot *slot = hold_row_make_slot(holds, hold);

	table_row_insert(holds->table, holds->description, slot);
	ExecDropSingleTupleTableSlot(slot);
}

void
hold_row_update(HoldTable *holds, const Hold *hold)
{
	static const ColumnSet changed =
		COLUMN(HOLDS_CAPTURED) | COLUMN(HOLDS_RELEASED) | COLUMN(HOLDS_STATUS);
	TupleTableSlot *slot = hold_row_make_slot(holds, hold);

	/* Only somebody who locks holds by hand can be in the way here. */
	if (table_row_update(holds->table, holds->description, &hold->tid, slot, changed,
						 GetActiveSnapshot(), true) != TM_Ok)
		error_raise_serialization_failure();
	ExecDropSingleTupleTableSlot(slot);
}
