/*
 * ledger.h
 *		The append-only rows: insert one, read one.
 *
 * A row is one movement with both its sides; a side that isn't present is the world outside, so a
 * row can't be unbalanced. Nothing here updates or deletes (INV-4).
 *
 * Order of calls: ledger_open; ledger_insert for each movement, after all wallet locks; ledger_close.
 */
#pragma once

#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "money.h"
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
	pg_uuid_t wallet_id;
	int64 version;
	Money balance;
	Money held;
	WalletStatus status;
	text *user_id;
} LedgerSide;

typedef struct LedgerRow
{
	pg_uuid_t transaction_id;
	int leg;
	LedgerKind kind;
	LedgerSide from;
	LedgerSide to;
	Money amount;
	text *currency;
	text *idempotency_key;			/* NULL: none */
	pg_uuid_t *requested_wallet_id; /* NULL: none */
	Jsonb *metadata;				/* NULL: none */
	TimestampTz created_at;
	/* Only rows that set limits: the maximum is NULL in a CREATED row. */
	bool has_credit_limit;
	Money credit_limit;
} LedgerRow;

typedef struct Ledger
{
	Relation table;
	const TableDescription *description;
} Ledger;

extern const char *ledger_kind_name(LedgerKind kind);

/* The SQL function that makes rows of this kind. */
extern const char *ledger_kind_operation(LedgerKind kind);

extern void ledger_open(Ledger *ledger);
extern void ledger_close(Ledger *ledger);

/* The side of the ledger that the wallet's next state makes. */
extern LedgerSide ledger_side(const Wallet *wallet);

/* Appends the row with the caller's names. Where the row's idempotency key exists already,
 * on_duplicate_key raises. */
extern void ledger_insert(Ledger *ledger, const LedgerRow *row,
						  void (*on_duplicate_key)(void *argument), void *argument);

/* Reads a stored row; pointers of row point into slot. Returns the function named in the row, the
 * kind's own where none is. */
extern const char *ledger_read(TupleTableSlot *slot, LedgerRow *row);
