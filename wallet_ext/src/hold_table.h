/*
 * hold_table.h
 *		The rows of wallet_holds: find, list, insert, update.
 *
 * A hold changes only under the lock of its wallet, and each of its changes is a version of that
 * wallet. So whoever holds the wallet's lock and looks with a snapshot taken after it sees the
 * newest version of all its holds.
 *
 * Order of calls: hold_table_open; the look-ups, which use the active snapshot; hold_row_insert and
 * hold_row_update after the wallets are written; hold_table_close.
 */
#pragma once

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "money.h"
#include "relation_cache.h"

typedef enum HoldStatus
{
	HOLD_OPEN,
	HOLD_CAPTURED,
	HOLD_RELEASED,
	HOLD_EXPIRED,
} HoldStatus;

typedef struct Hold
{
	pg_uuid_t id;
	pg_uuid_t wallet_id;
	Money amount;
	Money captured;
	Money released;
	HoldStatus status;
	TimestampTz expires_at;
	TimestampTz created_at;
	ItemPointerData tid; /* invalid: not stored yet */
} Hold;

typedef struct HoldTable
{
	Relation table;
	const TableDescription *description;
} HoldTable;

extern void hold_table_open(HoldTable *holds);
extern void hold_table_close(HoldTable *holds);

extern const char *hold_row_status_name(HoldStatus status);

/* What is neither captured nor released. */
extern Money hold_row_remaining(const Hold *hold);

/* Reads a stored row. */
extern void hold_row_read_slot(TupleTableSlot *slot, Hold *hold);

/* Reads the hold into *hold; false where the snapshot sees none. */
extern bool hold_row_find(HoldTable *holds, const pg_uuid_t *id, Hold *hold);

/* The wallet's open holds that have expired at `now`, oldest expiry first, at most max; Hold,
 * palloc'd. *rest is what those beyond max still keep. */
extern List *hold_row_list_expired(HoldTable *holds, const pg_uuid_t *wallet_id, TimestampTz now,
								   int max, Money *rest);

/* The same of all wallets, at most max. */
extern List *hold_row_list_all_expired(HoldTable *holds, TimestampTz now, int max);

extern void hold_row_insert(HoldTable *holds, const Hold *hold);
extern void hold_row_update(HoldTable *holds, const Hold *hold);
