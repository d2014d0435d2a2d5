/*
 * ledger_relation.h
 *		Which relation of the WAL is the wallet's ledger.
 */
#pragma once

#include "postgres.h"

#include "ledger_row.h"
#include "utils/rel.h"

/* Forgets everything. Called at every start of the plugin, before the first look-up. */
extern void ledger_relation_start(void);

/*
 * The columns of the relation if it is the ledger: named wallet_ledger and a member of extension
 * wallet under the snapshot in force; else NULL. Valid until the next look-up or invalidation.
 */
extern const LedgerColumns *ledger_relation_find(Relation relation);
