/*
 * lock_class.c
 *		Heavyweight locks of the extension's own.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "lock_class.h"

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
