/*
 * row_hint.c
 *		Where a wallet's row was found last: a memory of all sessions that saves the index look-up.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/rel.h"

#include "compat.h"
#include "guc.h"
#include "row_hint.h"

/* A word: tag, block, offset. An offset is never 0, so that an empty word leads nowhere. */
#define TAG_MASK	UINT64CONST(0xFFFF000000000000)
#define BLOCK_SHIFT 16
#define OFFSET_MASK UINT64CONST(0xFFFF)

/* A wallet's word is in one of the slots of a group, which are on one cache line. In a full table
 * with one slot for each hash a third of the wallets would take it from each other. */
#define GROUP_SLOTS 8
#define LINE_BYTES	64

typedef struct RowHints
{
	uint64 slot_mask; /* of a group's first slot */
	pg_attribute_aligned(LINE_BYTES) pg_atomic_uint64 slots[FLEXIBLE_ARRAY_MEMBER];
} RowHints;

static RowHints *hints = NULL;

/* As the server started: shared memory that is made again after a crash keeps its size. */
static uint64 slot_count = 0;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* A power of 2, since a hash is cut to it. */
static uint64
row_hint_slots(uint64 wanted)
{
	uint64 slots = GROUP_SLOTS;

	while (slots < wanted)
		slots *= 2;
	return slots;
}

static Size
row_hint_bytes(void)
{
	return offsetof(RowHints, slots) + slot_count * sizeof(pg_atomic_uint64);
}

static void
row_hint_request(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(row_hint_bytes());
}

static void
row_hint_startup(void)
{
	bool found = false;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	hints = ShmemInitStruct("wallet row hints", row_hint_bytes(), &found);
	if (found)
		return;
	hints->slot_mask = slot_count - GROUP_SLOTS;
	for (uint64 i = 0; i < slot_count; i++)
		pg_atomic_init_u64(&hints->slots[i], 0);
}

void
row_hint_init(void)
{
	if (!process_shared_preload_libraries_in_progress || guc_row_hints == 0)
		return;
	slot_count = row_hint_slots(guc_row_hints);
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = row_hint_request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = row_hint_startup;
}

/* The file's number is in the hash: a table that was rewritten or dropped shares no hint. */
static uint64
row_hint_hash(Relation table, const pg_uuid_t *id)
{
	return hash_bytes_extended(id->data, UUID_LEN, compat_relation_file_number(table));
}

/* The slot of the group that has the hash's tag, else an empty one, else the one that has to go. */
static pg_atomic_uint64 *
row_hint_slot(uint64 hash)
{
	pg_atomic_uint64 *group = &hints->slots[hash & hints->slot_mask];
	pg_atomic_uint64 *empty = NULL;

	for (int i = 0; i < GROUP_SLOTS; i++)
	{
		uint64 word = pg_atomic_read_u64(&group[i]);

		if (word != 0 && ((word ^ hash) & TAG_MASK) == 0)
			return &group[i];
		if (word == 0 && empty == NULL)
			empty = &group[i];
	}
	return empty != NULL ? empty : &group[hash % GROUP_SLOTS];
}

bool
row_hint_find(Relation table, const pg_uuid_t *id, ItemPointer tid)
{
	if (hints == NULL)
		return false;

	uint64 hash = row_hint_hash(table, id);
	uint64 word = pg_atomic_read_u64(row_hint_slot(hash));

	if (word == 0 || ((word ^ hash) & TAG_MASK) != 0)
		return false;
	ItemPointerSet(tid, (BlockNumber) (word >> BLOCK_SHIFT), (OffsetNumber) (word & OFFSET_MASK));
	return true;
}

void
row_hint_store(Relation table, const pg_uuid_t *id, const ItemPointerData *tid)
{
	if (hints == NULL)
		return;

	uint64 hash = row_hint_hash(table, id);
	uint64 word = (hash & TAG_MASK) | (uint64) ItemPointerGetBlockNumber(tid) << BLOCK_SHIFT |
				  ItemPointerGetOffsetNumber(tid);

	pg_atomic_write_u64(row_hint_slot(hash), word);
}
