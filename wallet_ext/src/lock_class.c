/*
 * lock_class.c
 *		Heavyweight locks of the extension's own, until the end of the transaction.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "lock_class.h"

void
lock_class_acquire(LockClass class, uint64 hash)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, class);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}
