/*
 * check_shape.c
 *		wallet_check_shape: what wallet_check says of the tables themselves.
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "currency.h"
#include "relation_cache.h"

PG_FUNCTION_INFO_V1(wallet_check_shape);

/* check_name, wallet_id, version, expected, actual; the second and third are NULL. */
#define DIVERGENCE_COLUMNS 5

static void
findings_return(const List *findings, ReturnSetInfo *result)
{
	ListCell *cell;

	foreach (cell, findings)
	{
		const TableFinding *finding = lfirst(cell);

		if (finding->check == NULL)
			continue;

		Datum values[DIVERGENCE_COLUMNS] = {
			CStringGetTextDatum(finding->check),
			(Datum) 0,
			(Datum) 0,
			CStringGetTextDatum(finding->expected),
			CStringGetTextDatum(finding->actual),
		};
		bool nulls[DIVERGENCE_COLUMNS] = {false, true, true, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static List *
table_list_findings(Oid schema, WalletTable table)
{
	const TableDescription *description = NULL;

	if (!OidIsValid(table_find(table, schema)))
		return list_make1(table_finding("shape", true, psprintf("table %s", table_name(table)),
										pstrdup("missing")));
	table_close(relation_cache_look(schema, table, &description), NoLock);
	return description->findings;
}

Datum
wallet_check_shape(PG_FUNCTION_ARGS)
{
	Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);

	InitMaterializedSRF(fcinfo, 0);
	for (WalletTable table = TABLE_WALLETS; table <= TABLE_HOLDS; table++)
		findings_return(table_list_findings(schema, table), (ReturnSetInfo *) fcinfo->resultinfo);
	findings_return(currency_find_differences(schema), (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
