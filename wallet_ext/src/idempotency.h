/*
 * idempotency.h
 *		An idempotency key's owner: find it, wait for it, compare its request (INV-5).
 *
 * "Owner" is the ledger row that carries the key. A retry of the same request gets the owner's
 * id; another request under the same key raises WL005, whose field is the first that differs.
 *
 * Order of calls: idempotency_find after the wallets were read and before any is locked or
 * written, and again after each wait for a lock. Reading the wallets first closes the race of
 * two equal requests: whoever comes second finds either the key or a wallet that has changed
 * since.
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

/* The same for a key alone: *owner is not compared with anything. What it points to stays readable
 * until the next look-up. */
extern KeyState idempotency_look_up(Ledger *ledger, const text *key, Snapshot snapshot,
									LedgerRow *owner);

/* One of many keys, and where it is asked for. */
typedef struct KeyPlace
{
	uint64 prefix; /* the first bytes, as a number that compares as they do */
	const text *key;
	int position;
	bool is_taken;
	TransactionId taker; /* where nobody waits: who is taking it; invalid: nobody */
} KeyPlace;

/* In byte order of the keys, those of the same key by position. */
extern void idempotency_sort(KeyPlace *places, int count);

/* The place of a key that is asked for at the position. */
extern KeyPlace idempotency_place(const text *key, int position);

/* Whether both are of the same key. */
extern bool idempotency_same_key(const KeyPlace *left, const KeyPlace *right);

/* Looks sorted keys up, each once, as idempotency_look_up does, and sets is_taken, and without
 * wait the taker; whether any had to be waited for. */
extern bool idempotency_look_up_all(Ledger *ledger, KeyPlace *places, int count, bool wait);

/* Serialises calls that are about to take the same key and share no wallet. Look the key up
 * first: the lock may be held by a session that waits for us. Release it once the row is
 * inserted, from where on the row itself makes others wait: a transaction of many creations must
 * not fill the server's lock table. */
extern void idempotency_lock_key(const Request *request);
extern void idempotency_unlock_key(const Request *request);

/* Enters the key of an appended row. The key being taken raises as idempotency_find does for the
 * request, 40001 for NULL. */
extern void idempotency_enter_key(Ledger *ledger, const Request *request, Snapshot snapshot,
								  const LedgerRow *row);

/* Enters those of many rows, in byte order of the keys; a key being taken raises 40001. */
extern void idempotency_enter_keys(Ledger *ledger, Snapshot snapshot, LedgerRow *const *rows,
								   int count);

/* Raises WL005 for the first field in which the request differs from the owner's. */
extern void idempotency_compare(const LedgerRow *owner, const Request *request);

/*
 * Raises WL005 for a field of the request. NULL: not given; nothing is raised where both are
 * equal.
 */
extern void idempotency_compare_field(const LedgerRow *owner, const Request *request,
									  const char *field, const char *stored, const char *sent);
