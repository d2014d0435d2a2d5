/*
 * origin.c
 *		Keeps the history's replication origins off the ledger: what is written under one of them
 *		has no event.
 *
 * An origin may be set after the call as well, so it is looked at again before the commit. The
 * origin of a session that commits what was prepared doesn't count to the output plugin.
 */
#include "postgres.h"

#include "access/xact.h"
#include "replication/origin.h"

#include "errors.h"
#include "origin.h"
#include "wallet_event.h"

/* Whether this transaction has written the ledger. */
static bool written = false;

static void
origin_check(void)
{
	char *name = NULL;

	if (replorigin_session_origin == InvalidRepOriginId ||
		!replorigin_by_oid(replorigin_session_origin, true, &name))
		return;
	if (strncmp(name, WALLET_HISTORY_ORIGIN_PREFIX, strlen(WALLET_HISTORY_ORIGIN_PREFIX)) == 0)
		error_raise_history_origin(name);
}

static void
origin_end_transaction(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (written)
				origin_check();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			written = false;
			break;
		default:
			break;
	}
}

void
origin_init(void)
{
	RegisterXactCallback(origin_end_transaction, NULL);
}

void
origin_begin_write(void)
{
	origin_check();
	written = true;
}
