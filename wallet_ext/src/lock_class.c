/*
 * lock_class.c
 *		Heavyweight locks of the extension's own.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "lock_class.h"

/* The kept locks of this transaction. A rolled back subtransaction has released its own and still
 * counts them: that costs speed only. */
static int kept;

static void
lock_class_transaction_end(XactEvent event, void *unused)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		kept = 0;
}

void
lock_class_init(void)
{
	RegisterXactCallback(lock_class_transaction_end, NULL);
}

bool
lock_class_keep(void)
{
	if (kept == LOCK_CLASS_KEPT)
		return false;
	kept++;
	return true;
}

static LOCKTAG
lock_class_tag(LockClass class, uint64 hash)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, class);
	return tag;
}

void
lock_class_acquire(LockClass class, uint64 hash)
{
	LOCKTAG tag = lock_class_tag(class, hash);

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

void
lock_class_release(LockClass class, uint64 hash)
{
	LOCKTAG tag = lock_class_tag(class, hash);

	(void) LockRelease(&tag, ExclusiveLock, false);
}
