/*
 * outside.c
 *		The right to move money over the ledger's edge, whichever operation does it.
 *
 * Money that a capture or a reversal takes outside, or brings back, needs the right to withdraw, or
 * to fund: else whoever may reserve and reverse could pay out.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "compat.h"
#include "errors.h"
#include "outside.h"

/* Both functions have the same arguments. */
static const Oid outside_arguments[] = {UUIDOID, NUMERICOID, TEXTOID, INT8OID, JSONBOID};

static void
outside_check(Oid schema, const char *function, const char *argument)
{
	Oid oid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(function),
							  PointerGetDatum(
								  buildoidvector(outside_arguments, lengthof(outside_arguments))),
							  ObjectIdGetDatum(schema));

	if (!OidIsValid(oid) || !compat_function_may_execute(oid, GetUserId()))
		error_raise_outside_denied(function, argument);
}

void
outside_check_out(Oid schema, const char *argument)
{
	outside_check(schema, "wallet_withdraw", argument);
}

void
outside_check_in(Oid schema, const char *argument)
{
	outside_check(schema, "wallet_fund", argument);
}
