/*
 * origin_filter.c
 *		The replication origins that were met, and whether one belongs to the history.
 *
 * The history's own writes never touch the ledger, so leaving them out saves time and nothing else.
 * What must not happen is the opposite: origin ids are reused, and the WAL may be older than the
 * catalog that is asked. An origin therefore counts only for transactions younger than the one that
 * created it, and the answer is dropped when the server replays a change of pg_replication_origin.
 *
 * The server asks outside any transaction in a walsender and inside one in a SQL function.
 */
#include "origin_filter.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_replication_origin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "wallet_event.h"

typedef struct OriginEntry
{
	RepOriginId origin_id; /* hash key */
	bool is_history;
	TransactionId created_by; /* FrozenTransactionId where it precedes all WAL still to be read */
} OriginEntry;

static HTAB *origin_cache = NULL;

static void
origin_cache_invalidate(Datum argument, int cache_id, uint32 hash_value)
{
	HASH_SEQ_STATUS scan;
	OriginEntry *entry;

	hash_seq_init(&scan, origin_cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
		hash_search(origin_cache, &entry->origin_id, HASH_REMOVE, NULL);
}

void
origin_filter_start(void)
{
	if (origin_cache != NULL)
	{
		origin_cache_invalidate((Datum) 0, REPLORIGIDENT, 0);
		return;
	}

	HASHCTL control = {.keysize = sizeof(RepOriginId),
					   .entrysize = sizeof(OriginEntry),
					   .hcxt = TopMemoryContext};

	origin_cache =
		hash_create("wallet_decoder origins", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterSyscacheCallback(REPLORIGIDENT, origin_cache_invalidate, (Datum) 0);
}

static bool
origin_name_is_history(const text *name)
{
	size_t prefix_bytes = strlen(WALLET_HISTORY_ORIGIN_PREFIX);

	return VARSIZE_ANY_EXHDR(name) >= prefix_bytes &&
		   memcmp(VARDATA_ANY(name), WALLET_HISTORY_ORIGIN_PREFIX, prefix_bytes) == 0;
}

/* Needs a transaction in progress. */
static OriginEntry
origin_read(RepOriginId origin_id)
{
	OriginEntry origin = {.origin_id = origin_id};
	HeapTuple tuple = SearchSysCache1(REPLORIGIDENT, ObjectIdGetDatum((Oid) origin_id));

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_replication_origin form = (Form_pg_replication_origin) GETSTRUCT(tuple);

		origin.is_history = origin_name_is_history(&form->roname);
		origin.created_by = HeapTupleHeaderGetXmin(tuple->t_data);
		ReleaseSysCache(tuple);
	}
	return origin;
}

/* As origin_read; leaves no trace of the transaction it may need for that. */
static OriginEntry
origin_look_up(RepOriginId origin_id)
{
	if (IsTransactionState())
	{
		OriginEntry origin = origin_read(origin_id);

		/* The slot's first snapshot is refused where an older one is still held. */
		InvalidateCatalogSnapshot();
		return origin;
	}

	MemoryContext caller_context = CurrentMemoryContext;
	ResourceOwner caller_owner = CurrentResourceOwner;

	StartTransactionCommand();

	OriginEntry origin = origin_read(origin_id);

	CommitTransactionCommand();
	MemoryContextSwitchTo(caller_context);
	CurrentResourceOwner = caller_owner;
	return origin;
}

bool
origin_is_history(RepOriginId origin_id, TransactionId xid)
{
	OriginEntry *entry = hash_search(origin_cache, &origin_id, HASH_FIND, NULL);

	if (entry == NULL)
	{
		/* The catalog is read before the entry is made: reading may run the callback above. */
		OriginEntry origin = origin_look_up(origin_id);

		entry = hash_search(origin_cache, &origin_id, HASH_ENTER, NULL);
		*entry = origin;
	}
	return entry->is_history && TransactionIdIsNormal(xid) &&
		   TransactionIdPrecedes(entry->created_by, xid);
}
