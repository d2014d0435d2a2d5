/*
 * lock_class.h
 *		Heavyweight locks of the extension's own.
 *
 * They share the lock type of pg_advisory_lock, with a fourth field that no pg_advisory function
 * can produce, so that users can neither take nor block them. lock_timeout, cancel and the deadlock
 * detector work on them as on any lock.
 */
#pragma once

#include "c.h"

/*
 * pg_advisory_lock uses 1 (one 64-bit key) and 2 (two 32-bit keys); another extension would take
 * small numbers too. Ours begin with a W for wallet (0x57).
 */
typedef enum LockClass
{
	LOCK_CLASS_WALLET = 0x5701, /* the line of waiters of a wallet */
	LOCK_CLASS_KEY,				/* an idempotency key that wallet_create is about to take */
} LockClass;

/* Takes the lock on hash exclusively, until the end of the transaction or its release; a collision
 * of hashes only makes strangers wait. */
extern void lock_class_acquire(LockClass class, uint64 hash);

/* Releases what was acquired once, in the same (sub)transaction. */
extern void lock_class_release(LockClass class, uint64 hash);
