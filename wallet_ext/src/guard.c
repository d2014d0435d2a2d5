/*
 * guard.c
 *		The trigger that keeps UPDATE, DELETE and TRUNCATE away from the money tables (INV-4).
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "errors.h"

PG_FUNCTION_INFO_V1(wallet_guard);

Datum
wallet_guard(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("wallet_guard() can only be called as a trigger")));

	const TriggerData *trigger = (const TriggerData *) fcinfo->context;

	error_raise_append_only(RelationGetRelationName(trigger->tg_relation));
}
