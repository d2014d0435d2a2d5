/*
 * ledger.h
 *		The append-only rows: insert one, read one.
 *
 * A row is one movement with both its sides; a side that isn't present is the world outside, so a
 * row can't be unbalanced. Nothing here updates or deletes (INV-4).
 *
 * Order of calls: ledger_open; ledger_insert for each movement, after all wallet locks;
 * ledger_enter_key for those with a key; ledger_close. Many at once: ledger_many.h.
 */
#pragma once

#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "money.h"
#include "optional.h"
#include "relation_cache.h"
#include "wallet.h"

typedef enum LedgerKind
{
	LEDGER_CREATED,
	LEDGER_FUND,
	LEDGER_WITHDRAW,
	LEDGER_TRANSFER,
	LEDGER_HOLD,
	LEDGER_RELEASE,
	LEDGER_EXPIRE,
	LEDGER_CAPTURE,
	LEDGER_REVERSAL,
	LEDGER_STATUS,
	LEDGER_LIMITS,
} LedgerKind;

/* What a movement did to one wallet. */
typedef struct LedgerSide
{
	bool present;
	Wallet *wallet; /* that it was made from; NULL: it was read */
	pg_uuid_t wallet_id;
	int64 version;
	Money balance;
	Money held;
	WalletStatus status;
	text *user_id;
	Seal seal;
} LedgerSide;

/* Who called: the names as they were then, since a role may be renamed or dropped later. */
typedef struct LedgerCaller
{
	const char *session_user_name;
	const char *current_user_name;
	const char *application_name;
} LedgerCaller;

typedef struct LedgerRow
{
	pg_uuid_t transaction_id;
	int leg;
	LedgerKind kind;
	LedgerSide from;
	LedgerSide to;
	Money amount;
	text *currency;
	TimestampTz created_at;
	LedgerCaller caller;
	const char *operation; /* the SQL function */
	text *idempotency_key; /* NULL: none */
	OptionalUuid requested_wallet_id;
	Jsonb *metadata; /* NULL: none */
	OptionalUuid hold_id;
	OptionalUuid reverses; /* the operation that is paid back, and which of its legs */
	OptionalInteger reverses_leg;
	bool forced;
	bool seals; /* begins a chain of seals where its wallets have none */
	/* CREATED and LIMITS set both limits; without max_balance there is no maximum. */
	OptionalMoney credit_limit;
	OptionalMoney max_balance;
	OptionalBool max_balance_given; /* LIMITS: whether the request named a maximum, or none */
	OptionalTime expires_at;
	/* The request as far as the rest doesn't show it. */
	OptionalMoney requested_amount;
	Interval *expires_in; /* NULL: none */
	OptionalBool final;
	ItemPointerData tid; /* where ledger_insert has put it */
} LedgerRow;

typedef struct Ledger
{
	Relation table;
	const TableDescription *description;
	TupleTableSlot *slot;  /* of the row being written */
	TupleTableSlot *found; /* by ledger_found_slot */
} Ledger;

extern const char *ledger_kind_name(LedgerKind kind);

/* The SQL function that usually makes rows of this kind, which then don't name it; NULL: each row
 * names its own. */
extern const char *ledger_kind_operation(LedgerKind kind);

extern void ledger_open(Ledger *ledger);
extern void ledger_close(Ledger *ledger);

/* The slot for a stored row that is looked up, empty; what was in it before is gone. */
extern TupleTableSlot *ledger_found_slot(Ledger *ledger);

/* Who is calling now. */
extern LedgerCaller ledger_caller(void);

/* The side of the ledger that the wallet's next state makes. */
extern LedgerSide ledger_side(Wallet *wallet);

/* Appends the row, all but its idempotency key. */
extern void ledger_insert(Ledger *ledger, LedgerRow *row);

/* A virtual slot with the row as it is to be stored, valid until the next one. Raises where it
 * breaks an invariant. */
extern TupleTableSlot *ledger_make_row(Ledger *ledger, const LedgerRow *row);

/* Enters the idempotency key of an appended row. Where it exists already, on_duplicate raises. */
extern void ledger_enter_key(Ledger *ledger, const LedgerRow *row,
							 void (*on_duplicate)(void *argument), void *argument);

/* Reads a stored row; pointers of row point into slot. */
extern void ledger_read(TupleTableSlot *slot, LedgerRow *row);
