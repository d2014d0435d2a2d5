/*
 * seal_chain.c
 *		The chain of seals: computing it, and wallet_seal_verify.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "index_read.h"
#include "seal_chain.h"
#include "table_columns.h"

PG_FUNCTION_INFO_V1(wallet_seal_verify);

static void
seal_check(pg_cryptohash_ctx *hash, int outcome)
{
	if (outcome < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute a seal: %s", pg_cryptohash_error(hash))));
}

static void
hash_bytes_add(pg_cryptohash_ctx *hash, const void *bytes, size_t length)
{
	seal_check(hash, pg_cryptohash_update(hash, bytes, length));
}

/* The byte that says whether a value follows. */
static bool
hash_presence(pg_cryptohash_ctx *hash, bool is_present)
{
	const uint8 byte = is_present ? 1 : 0;

	hash_bytes_add(hash, &byte, sizeof(byte));
	return is_present;
}

static void
hash_integer(pg_cryptohash_ctx *hash, OptionalInteger integer)
{
	const uint64 bytes = pg_hton64((uint64) integer.value);

	if (hash_presence(hash, integer.present))
		hash_bytes_add(hash, &bytes, sizeof(bytes));
}

static void
hash_time(pg_cryptohash_ctx *hash, OptionalTime time)
{
	hash_integer(hash, (OptionalInteger){.present = time.present, .value = time.value});
}

static void
hash_money(pg_cryptohash_ctx *hash, OptionalMoney money)
{
	const uint64 bytes[] = {
		pg_hton64((uint64) ((uint128) money.value >> 64)),
		pg_hton64((uint64) money.value),
	};

	if (hash_presence(hash, money.present))
		hash_bytes_add(hash, bytes, sizeof(bytes));
}

static void
hash_uuid(pg_cryptohash_ctx *hash, OptionalUuid id)
{
	if (hash_presence(hash, id.present))
		hash_bytes_add(hash, id.value.data, UUID_LEN);
}

static void
hash_characters(pg_cryptohash_ctx *hash, const char *characters, size_t length)
{
	const uint64 bytes = pg_hton64((uint64) length);

	hash_bytes_add(hash, &bytes, sizeof(bytes));
	hash_bytes_add(hash, characters, length);
}

static void
hash_text(pg_cryptohash_ctx *hash, const text *value)
{
	if (hash_presence(hash, value != NULL))
		hash_characters(hash, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static void
hash_string(pg_cryptohash_ctx *hash, const char *value)
{
	if (hash_presence(hash, value != NULL))
		hash_characters(hash, value, strlen(value));
}

static void
hash_metadata(pg_cryptohash_ctx *hash, Jsonb *value)
{
	hash_string(hash, value == NULL ? NULL
									: JsonbToCString(NULL, &value->root, VARSIZE_ANY_EXHDR(value)));
}

static void
hash_interval(pg_cryptohash_ctx *hash, const Interval *value)
{
	if (!hash_presence(hash, value != NULL))
		return;
	hash_integer(hash, optional_integer(value->month));
	hash_integer(hash, optional_integer(value->day));
	hash_integer(hash, optional_integer(value->time));
}

static void
hash_side(pg_cryptohash_ctx *hash, const LedgerSide *side)
{
	if (!hash_presence(hash, side->present))
		return;
	hash_uuid(hash, optional_uuid(&side->wallet_id));
	hash_integer(hash, optional_integer(side->version));
	hash_money(hash, optional_money(side->balance));
	hash_money(hash, optional_money(side->held));
	hash_string(hash, wallet_status_name(side->status));
	hash_text(hash, side->user_id);
}

static void
seal_hash_row(pg_cryptohash_ctx *hash, const LedgerRow *row)
{
	hash_uuid(hash, optional_uuid(&row->transaction_id));
	hash_integer(hash, optional_integer(row->leg));
	hash_string(hash, ledger_kind_name(row->kind));
	hash_side(hash, &row->from);
	hash_side(hash, &row->to);
	hash_money(hash, optional_money(row->amount));
	hash_text(hash, row->currency);
	hash_time(hash, optional_time(row->created_at));
	hash_presence(hash, row->forced);
	hash_string(hash, row->operation);
	hash_text(hash, row->idempotency_key);
	hash_uuid(hash, row->requested_wallet_id);
	hash_uuid(hash, row->hold_id);
	hash_uuid(hash, row->reverses);
	hash_integer(hash, row->reverses_leg);
	hash_money(hash, row->credit_limit);
	hash_money(hash, row->max_balance);
	hash_time(hash, row->expires_at);
	hash_money(hash, row->requested_amount);
	hash_interval(hash, row->expires_in);
	if (hash_presence(hash, row->final.present))
		hash_presence(hash, row->final.value);
	hash_string(hash, row->caller.session_user_name);
	hash_string(hash, row->caller.current_user_name);
	hash_string(hash, row->caller.application_name);
	hash_metadata(hash, row->metadata);
}

/*
 * The seal of one side's entry; before is the one of the entry before, all zero for the
 * first.
 */
static Seal
seal_compute(const Seal *before, const LedgerRow *row, const char *side)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	Seal seal = {.present = true};

	if (hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	seal_check(hash, pg_cryptohash_init(hash));
	hash_bytes_add(hash, before->bytes, SEAL_BYTES);
	hash_string(hash, side);
	seal_hash_row(hash, row);
	seal_check(hash, pg_cryptohash_final(hash, seal.bytes, SEAL_BYTES));
	pg_cryptohash_free(hash);
	return seal;
}

static void
seal_side(LedgerRow *row, LedgerSide *side, const char *name)
{
	Wallet *wallet = side->wallet;

	if (!side->present || !(row->seals || wallet->next.seal.present))
		return;
	side->seal = seal_compute(&wallet->next.seal, row, name);
	wallet->next.seal = side->seal;
}

void
seal_journal(Journal *journal)
{
	for (int i = 0; i < journal->count; i++)
	{
		LedgerRow *row = &journal->rows[i];

		CHECK_FOR_INTERRUPTS();
		seal_side(row, &row->from, "from");
		seal_side(row, &row->to, "to");
	}
}

void
seal_new_wallet(LedgerRow *row)
{
	seal_side(row, &row->to, "to");
}

/* What wallet_seal_verify finds of one wallet. */
typedef struct Verification
{
	ReturnSetInfo *result;
	Oid schema;
	Datum wallet_id;
	Seal seal;	   /* of the entry before */
	bool sealed;   /* the chain has begun */
	int64 version; /* of the entry before */
} Verification;

static void
verification_report(const Verification *verification, const char *check, int64 version,
					const Seal *expected, const Seal *actual)
{
	bool nulls[5] = {false};
	Datum values[5] = {
		CStringGetTextDatum(check),		 verification->wallet_id,		Int64GetDatum(version),
		seal_print(expected, &nulls[3]), seal_print(actual, &nulls[4]),
	};

	tuplestore_putvalues(verification->result->setResult, verification->result->setDesc, values,
						 nulls);
}

/*
 * After a break the chain is followed from the seal that is there, so that each break shows
 * once.
 */
static void
verification_visit(Verification *verification, const LedgerRow *row, const char *name,
				   const LedgerSide *side)
{
	static const Seal none = {0};

	if (verification->sealed && side->version != verification->version + 1)
		verification_report(verification, "seal_entry_missing", verification->version + 1, &none,
							&none);
	verification->version = side->version;
	if (!verification->sealed && !side->seal.present)
		return;

	Seal expected = seal_compute(&verification->seal, row, name);

	if (!seal_equal(&expected, &side->seal))
		verification_report(verification, "seal_entry", side->version, &expected, &side->seal);
	verification->sealed = true;
	if (side->seal.present)
		verification->seal = side->seal;
}

/* One of the two scans of a wallet's entries, and the row it stands at. */
typedef struct SideScan
{
	IndexRead read;
	ScanKeyData key;
	MemoryContext context; /* of the row it stands at */
	bool has_row;
	LedgerRow row;
} SideScan;

static void
side_scan_next(SideScan *scan)
{
	MemoryContextReset(scan->context);
	/* The scan itself may allocate what it keeps: not in the row's context. */
	scan->has_row = index_read_next(&scan->read);

	MemoryContext caller = MemoryContextSwitchTo(scan->context);

	if (scan->has_row)
		ledger_read(scan->read.slot, &scan->row);
	MemoryContextSwitchTo(caller);
}

static void
side_scan_begin(SideScan *scan, const Verification *verification, KnownIndex index)
{
	scan->context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet seal row", ALLOCSET_SMALL_SIZES);
	ScanKeyInit(&scan->key, 1, BTEqualStrategyNumber, F_UUID_EQ, verification->wallet_id);
	index_read_begin(&scan->read, verification->schema, index, COLUMNS_ALL, &scan->key, 1);
	side_scan_next(scan);
}

static void
side_scan_end(SideScan *scan)
{
	index_read_end(&scan->read);
	MemoryContextDelete(scan->context);
}

static void
side_scan_visit(SideScan *scan, Verification *verification, const char *name,
				const LedgerSide *side)
{
	MemoryContext caller = MemoryContextSwitchTo(scan->context);

	verification_visit(verification, &scan->row, name, side);
	MemoryContextSwitchTo(caller);
	side_scan_next(scan);
}

/* Follows the chain of the wallet whose newest seal is given. */
static void
verification_run(Verification *verification, const Seal *newest)
{
	SideScan from;
	SideScan to;

	side_scan_begin(&from, verification, INDEX_LEDGER_FROM);
	side_scan_begin(&to, verification, INDEX_LEDGER_TO);
	while (from.has_row || to.has_row)
	{
		CHECK_FOR_INTERRUPTS();
		if (from.has_row && (!to.has_row || from.row.from.version < to.row.to.version))
			side_scan_visit(&from, verification, "from", &from.row.from);
		else
			side_scan_visit(&to, verification, "to", &to.row.to);
	}
	side_scan_end(&from);
	side_scan_end(&to);
	if (!seal_equal(&verification->seal, newest))
		verification_report(verification, "seal_wallet", verification->version, &verification->seal,
							newest);
}

static Seal
verification_newest(TupleTableSlot *slot)
{
	bool is_null = false;
	Datum seal = slot_getattr(slot, WALLETS_SEAL, &is_null);

	return seal_from_column(is_null, seal);
}

Datum
wallet_seal_verify(PG_FUNCTION_ARGS)
{
	Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	IndexRead read;
	ScanKeyData key;
	int key_count = PG_ARGISNULL(0) ? 0 : 1;
	bool found = false;

	InitMaterializedSRF(fcinfo, 0);
	if (key_count == 1)
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ, PG_GETARG_DATUM(0));
	index_read_begin(&read, schema, INDEX_WALLETS_ID, COLUMN(WALLETS_ID) | COLUMN(WALLETS_SEAL),
					 &key, key_count);
	while (index_read_next(&read))
	{
		bool is_null = false;
		Verification verification = {
			.result = (ReturnSetInfo *) fcinfo->resultinfo,
			.schema = schema,
			.wallet_id = slot_getattr(read.slot, WALLETS_ID, &is_null),
		};
		const Seal newest = verification_newest(read.slot);

		verification_run(&verification, &newest);
		found = true;
	}
	index_read_end(&read);
	if (key_count == 1 && !found)
		error_raise_wallet_not_found(PG_GETARG_UUID_P(0));
	return (Datum) 0;
}
