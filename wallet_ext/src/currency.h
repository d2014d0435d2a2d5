/*
 * currency.h
 *		How many decimals the amounts of a currency may have.
 *
 * An operator sets the scale of a currency by wallet_set_currency(); a currency without one has the
 * four decimals of Money. The scales stand in wallet_currency_scales and are kept by each backend
 * until the table changes. A scale is lowered under a lock that no operation can hold a part of,
 * and only while no stored amount has more decimals: what an operation has read stays true until
 * its transaction ends.
 *
 * Order of calls: currency_init() once; currency_scale() after the ledger is open.
 */
#pragma once

#include "nodes/pg_list.h"

extern void currency_init(void);

/* The decimals that amounts of the currency may have: 0 to MONEY_SCALE. */
extern int currency_scale(const text *currency);

/* What is missing or changed of the table of scales, as TableFindings. */
extern List *currency_find_differences(Oid schema);
