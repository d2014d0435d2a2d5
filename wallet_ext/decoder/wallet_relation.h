/*
 * wallet_relation.h
 *		Which relations of the WAL are the wallet's, and what each of them is.
 */
#pragma once

#include "postgres.h"

#include "ledger_row.h"
#include "transit_row.h"
#include "utils/rel.h"

typedef enum WalletRelationKind
{
	RELATION_OTHER, /* nothing of it is sent */
	RELATION_LEDGER,
	RELATION_TRANSITS,
	RELATION_TRANSITS_RECEIVED
} WalletRelationKind;

typedef struct WalletRelation
{
	WalletRelationKind kind;
	LedgerColumns ledger;	/* of the ledger */
	TransitColumns transit; /* of the two tables of transits */
} WalletRelation;

/* Forgets everything. Called at every start of the plugin, before the first look-up. */
extern void wallet_relation_start(void);

/*
 * The relation, if it has a name of the wallet's and is a member of extension wallet under the
 * snapshot in force; else NULL. Valid until the next look-up or invalidation.
 */
extern const WalletRelation *wallet_relation_find(Relation relation);
