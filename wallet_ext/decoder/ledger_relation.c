/*
 * ledger_relation.c
 *		The relations named wallet_ledger that were looked at, and whether one is the ledger.
 *
 * Anybody may call a table wallet_ledger; only the extension's own publishes events. Membership is
 * read from pg_depend under the historic snapshot and cached by OID. A relcache invalidation drops
 * the cached answer: the server replays those of the WAL between the changes they stand between, so
 * DROP and CREATE EXTENSION are seen where they happened.
 *
 * The cache belongs to the process, since an invalidation callback can't be unregistered and a
 * process may start the plugin many times.
 */
#include "ledger_relation.h"

#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "wallet_event.h"

typedef struct RelationEntry
{
	Oid relation_oid; /* hash key */
	bool is_ledger;
	LedgerColumns columns; /* set where is_ledger */
} RelationEntry;

static HTAB *relation_cache = NULL;

/* Drops what is known of one relation, or of all where the OID is invalid. */
static void
relation_cache_invalidate(Datum argument, Oid relation_oid)
{
	HASH_SEQ_STATUS scan;
	RelationEntry *entry;

	if (OidIsValid(relation_oid))
	{
		hash_search(relation_cache, &relation_oid, HASH_REMOVE, NULL);
		return;
	}
	hash_seq_init(&scan, relation_cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
		hash_search(relation_cache, &entry->relation_oid, HASH_REMOVE, NULL);
}

void
ledger_relation_start(void)
{
	if (relation_cache != NULL)
	{
		relation_cache_invalidate((Datum) 0, InvalidOid);
		return;
	}

	HASHCTL control = {.keysize = sizeof(Oid),
					   .entrysize = sizeof(RelationEntry),
					   .hcxt = TopMemoryContext};

	relation_cache = hash_create("wallet_decoder relations", 16, &control,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relation_cache_invalidate, (Datum) 0);
}

static bool
relation_is_member(Oid relation_oid)
{
	Oid extension_oid = getExtensionOfObject(RelationRelationId, relation_oid);

	if (!OidIsValid(extension_oid))
		return false;

	char *extension_name = get_extension_name(extension_oid);

	return extension_name != NULL && strcmp(extension_name, WALLET_EXTENSION_NAME) == 0;
}

const LedgerColumns *
ledger_relation_find(Relation relation)
{
	if (strcmp(RelationGetRelationName(relation), WALLET_LEDGER_NAME) != 0)
		return NULL;

	Oid relation_oid = RelationGetRelid(relation);
	RelationEntry *entry = hash_search(relation_cache, &relation_oid, HASH_FIND, NULL);

	if (entry == NULL)
	{
		/* The catalogs are read before the entry is made: reading may run the callback above. */
		bool is_ledger = relation_is_member(relation_oid);

		entry = hash_search(relation_cache, &relation_oid, HASH_ENTER, NULL);
		entry->is_ledger = is_ledger;
		ledger_columns_find(&entry->columns, RelationGetDescr(relation));
	}
	return entry->is_ledger ? &entry->columns : NULL;
}
