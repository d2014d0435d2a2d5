/*
 * alone.c
 *		A call through the router is a transaction of its own on the shard. In a transaction block
 *		it would be committed there whatever becomes of the block, so it is refused.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(wallet_router_alone);

Datum
wallet_router_alone(PG_FUNCTION_ARGS)
{
	if (IsTransactionBlock())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("a call through the router cannot run inside a transaction block"),
						errhint("It is a transaction of its own on the wallet's shard.")));
	PG_RETURN_VOID();
}
