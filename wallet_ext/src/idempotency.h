/*
 * idempotency.h
 *		An idempotency key's owner: find it, wait for it, compare its request (INV-5).
 *
 * "Owner" is the ledger row that carries the key. A retry of the same request gets the owner's id;
 * another request under the same key raises WL005, whose field is the first that differs.
 *
 * Order of calls: idempotency_find after the wallets were read and before any is locked or written,
 * and again after each wait for a lock. Reading the wallets first closes the race of two equal
 * requests: whoever comes second finds either the key or a wallet that has changed since.
 */
#pragma once

#include "ledger.h"
#include "request.h"

typedef enum KeyState
{
	KEY_FREE,	/* nobody has it */
	KEY_WAITED, /* nobody has it, but it was waited for: what was read before is out of date */
	KEY_TAKEN,	/* a request like this one has it */
} KeyState;

/* Looks the request's key up, waiting while another transaction is taking it. Sets *owner when
 * taken. Raises WL005 for another request, 40001 where the owner is newer than the snapshot of a
 * REPEATABLE READ or SERIALIZABLE transaction. A request without a key finds it free. */
extern KeyState idempotency_find(Ledger *ledger, const Request *request, Snapshot snapshot,
								 LedgerRow *owner);

/* Serialises calls that are about to take the same key and share no wallet. Look the key up before:
 * whoever waits for this transaction may hold the lock. Release it once the row is inserted, from
 * where on the row itself makes others wait: a transaction of many creations must not fill the
 * server's lock table. */
extern void idempotency_lock_key(const Request *request);
extern void idempotency_unlock_key(const Request *request);

/* Appends a row with the request's key; the key being taken raises as idempotency_find does. */
extern void idempotency_insert(Ledger *ledger, const Request *request, Snapshot snapshot,
							   const LedgerRow *row);
