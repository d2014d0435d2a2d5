/*
 * row_hint.h
 *		Where a wallet's row was found last: a memory of all sessions that saves the index look-up.
 *
 * A hint is one word: block and offset of the row's first version, and some bits of the hash of
 * table and id that it was stored for. It is never trusted: whoever follows it compares the id
 * in the row that it leads to, and asks the index where that is another. Hints may be stale,
 * wrong or lost: no lock, no invalidation, any table size works. A rewritten table has a new
 * file and so other hashes.
 *
 * The words stand in shared memory, which only a preloaded library gets
 * (shared_preload_libraries); without it there are no hints and row_hint_find finds nothing.
 */
#pragma once

#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

extern void row_hint_init(void);

/* Where the row with this id may be: a block that the table may not have any more. */
extern bool row_hint_find(Relation table, const pg_uuid_t *id, ItemPointer tid);

/* Remembers where an index entry says that the row is. */
extern void row_hint_store(Relation table, const pg_uuid_t *id, const ItemPointerData *tid);
