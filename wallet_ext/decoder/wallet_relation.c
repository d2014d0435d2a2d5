/*
 * wallet_relation.c
 *		The relations with a name of the wallet's that were looked at, and what each of them is.
 *
 * Anybody may call a table wallet_ledger; only the extension's own publishes events. Membership is
 * read from pg_depend under the historic snapshot and cached by OID. A relcache invalidation drops
 * the cached answer: the server replays those of the WAL between the changes they stand between, so
 * DROP and CREATE EXTENSION are seen where they happened.
 *
 * The cache belongs to the process, since an invalidation callback can't be unregistered and a
 * process may start the plugin many times.
 */
#include "wallet_relation.h"

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
	WalletRelation relation;
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
wallet_relation_start(void)
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

static WalletRelationKind
relation_kind_of(const char *name)
{
	if (strcmp(name, WALLET_LEDGER_NAME) == 0)
		return RELATION_LEDGER;
	if (strcmp(name, WALLET_TRANSITS_NAME) == 0)
		return RELATION_TRANSITS;
	if (strcmp(name, WALLET_TRANSITS_RECEIVED_NAME) == 0)
		return RELATION_TRANSITS_RECEIVED;
	return RELATION_OTHER;
}

static void
relation_fill(WalletRelation *found, WalletRelationKind kind, Relation relation)
{
	found->kind = kind;
	if (kind == RELATION_LEDGER)
		ledger_columns_find(&found->ledger, RelationGetDescr(relation));
	else if (kind != RELATION_OTHER)
		transit_columns_find(&found->transit, RelationGetDescr(relation));
}

const WalletRelation *
wallet_relation_find(Relation relation)
{
	WalletRelationKind kind = relation_kind_of(RelationGetRelationName(relation));

	if (kind == RELATION_OTHER)
		return NULL;

	Oid relation_oid = RelationGetRelid(relation);
	RelationEntry *entry = hash_search(relation_cache, &relation_oid, HASH_FIND, NULL);

	if (entry == NULL)
	{
		/* The catalogs are read before the entry is made: reading may run the callback above. */
		bool is_member = relation_is_member(relation_oid);

		entry = hash_search(relation_cache, &relation_oid, HASH_ENTER, NULL);
		relation_fill(&entry->relation, is_member ? kind : RELATION_OTHER, relation);
	}
	return entry->relation.kind != RELATION_OTHER ? &entry->relation : NULL;
}
