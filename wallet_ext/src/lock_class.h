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
 * The fourth field. pg_advisory_lock uses 1 (one 64-bit key) and 2 (two 32-bit keys); another
 * extension that does as we do will hardly begin with a W, 0x57, too.
 *
 * A wallet's waiters have a line of their own although a row has one, since who waits for a row
 * follows it from version to version: at each commit all waiters of a hot wallet wake up, only to
 * wait for the next version. In this line one does. With the cores free, 32 clients and one wallet
 * make a quarter more transfers for 40 % less CPU (bench-hot). Where the cores have other work it
 * is the other way round: each wait is one more turn that must be waited for.
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

/*
 * As many locks of wallets' lines a transaction keeps to its end: those of a transfer. Where the
 * head of a line keeps its place, who follows sleeps once, until the commit, and not once for the
 * place and again for the row. Not more of them, since the server's lock table is small: the
 * wallets of a transaction of many calls give their places up.
 */
#define LOCK_CLASS_KEPT 2

/* Whether the lock just acquired is to be kept to the transaction's end: true the first
 * LOCK_CLASS_KEPT times in a transaction. */
extern bool lock_class_keep(void);

/* At module load: a transaction's end gives back what it kept. */
extern void lock_class_init(void);
