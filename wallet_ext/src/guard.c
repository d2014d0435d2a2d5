/*
 * guard.c
 *		The triggers that keep everybody but the operations away from the money tables (INV-4).
 *
 * UPDATE, DELETE and TRUNCATE are refused to everybody: by statement, and once more by row where
 * the statement named another table, a parent. INSERT is what a restore does, and is left to the
 * table's owner, whatever was granted to others; so is any write to the scales of currencies.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/rel.h"

#include "compat.h"
#include "errors.h"

PG_FUNCTION_INFO_V1(wallet_guard);
PG_FUNCTION_INFO_V1(wallet_guard_row);
PG_FUNCTION_INFO_V1(wallet_guard_insert);

static const TriggerData *
guard_trigger(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("%s can only be called as a trigger", function)));
	return (const TriggerData *) fcinfo->context;
}

Datum
wallet_guard(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = guard_trigger(fcinfo, "wallet_guard()");

	error_raise_append_only(RelationGetRelationName(trigger->tg_relation));
}

/* Logical replication changes rows without a statement: a subscriber repeats what was allowed. */
Datum
wallet_guard_row(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = guard_trigger(fcinfo, "wallet_guard_row()");

	if (!IsLogicalWorker())
		error_raise_append_only(RelationGetRelationName(trigger->tg_relation));
	PG_RETURN_POINTER(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																 : trigger->tg_trigtuple);
}

Datum
wallet_guard_insert(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = guard_trigger(fcinfo, "wallet_guard_insert()");

	if (!compat_table_ownercheck(RelationGetRelid(trigger->tg_relation), GetUserId()))
		error_raise_write_denied(RelationGetRelationName(trigger->tg_relation),
								 TRIGGER_FIRED_BY_INSERT(trigger->tg_event));
	PG_RETURN_POINTER(NULL);
}
