/*
 * ledger.c
 *		The append-only rows: insert one, read one.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "errors.h"
#include "ledger.h"
#include "origin.h"
#include "table_row.h"
#include "text_value.h"

static const char *const kind_names[] = {
	[LEDGER_CREATED] = "CREATED",	[LEDGER_FUND] = "FUND",		  [LEDGER_WITHDRAW] = "WITHDRAW",
	[LEDGER_TRANSFER] = "TRANSFER", [LEDGER_HOLD] = "HOLD",		  [LEDGER_RELEASE] = "RELEASE",
	[LEDGER_EXPIRE] = "EXPIRE",		[LEDGER_CAPTURE] = "CAPTURE", [LEDGER_REVERSAL] = "REVERSAL",
	[LEDGER_STATUS] = "STATUS",		[LEDGER_LIMITS] = "LIMITS",
};

/* The functions that usually make rows of a kind. */
static const char *const kind_operations[] = {
	[LEDGER_CREATED] = "wallet_create",		 [LEDGER_FUND] = "wallet_fund",
	[LEDGER_WITHDRAW] = "wallet_withdraw",	 [LEDGER_TRANSFER] = "wallet_transfer",
	[LEDGER_HOLD] = "wallet_hold",			 [LEDGER_RELEASE] = "wallet_release",
	[LEDGER_EXPIRE] = "wallet_expire_holds", [LEDGER_CAPTURE] = "wallet_capture",
	[LEDGER_REVERSAL] = "wallet_reverse",	 [LEDGER_STATUS] = NULL,
	[LEDGER_LIMITS] = "wallet_set_limits",
};

/* Columns of one side, so that both are read and written by the same code. */
typedef struct SideColumns
{
	AttrNumber wallet_id;
	AttrNumber version;
	AttrNumber balance;
	AttrNumber held;
	AttrNumber status;
	AttrNumber user_id;
	AttrNumber seal;
} SideColumns;

static const SideColumns from_columns = {
	LEDGER_FROM_WALLET_ID, LEDGER_FROM_VERSION, LEDGER_FROM_BALANCE, LEDGER_FROM_HELD,
	LEDGER_FROM_STATUS,	   LEDGER_FROM_USER_ID, LEDGER_FROM_SEAL,
};

static const SideColumns to_columns = {
	LEDGER_TO_WALLET_ID, LEDGER_TO_VERSION, LEDGER_TO_BALANCE, LEDGER_TO_HELD,
	LEDGER_TO_STATUS,	 LEDGER_TO_USER_ID, LEDGER_TO_SEAL,
};

const char *
ledger_kind_name(LedgerKind kind)
{
	return kind_names[kind];
}

const char *
ledger_kind_operation(LedgerKind kind)
{
	return kind_operations[kind];
}

void
ledger_open(Ledger *ledger)
{
	ledger->table = relation_cache_open(TABLE_LEDGER, &ledger->description);
	ledger->slot = table_row_make(ledger->table, ledger->description);
	ledger->found = NULL;
}

void
ledger_close(Ledger *ledger)
{
	ExecDropSingleTupleTableSlot(ledger->slot);
	if (ledger->found != NULL)
		ExecDropSingleTupleTableSlot(ledger->found);
	table_close(ledger->table, NoLock);
}

TupleTableSlot *
ledger_found_slot(Ledger *ledger)
{
	if (ledger->found != NULL)
		return ExecClearTuple(ledger->found);

	/* Whoever looks up may be in a context that doesn't last as long as the ledger is open. */
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(ledger->slot));

	ledger->found = table_slot_create(ledger->table, NULL);
	MemoryContextSwitchTo(caller);
	return ledger->found;
}

LedgerSide
ledger_side(Wallet *wallet)
{
	return (LedgerSide){
		.present = true,
		.wallet = wallet,
		.wallet_id = wallet->id,
		.version = wallet->next.version,
		.balance = wallet->next.balance,
		.held = wallet->next.held,
		.status = wallet->next.status,
		.user_id = wallet->user_id,
	};
}

static inline void
slot_set(TupleTableSlot *slot, AttrNumber column, Datum value)
{
	slot->tts_values[column - 1] = value;
	slot->tts_isnull[column - 1] = false;
}

static inline void
slot_set_text(TupleTableSlot *slot, AttrNumber column, const char *value)
{
	slot_set(slot, column, CStringGetTextDatum(value));
}

static void
slot_set_money(TupleTableSlot *slot, AttrNumber column, OptionalMoney money)
{
	if (money.present)
		slot_set(slot, column, money_to_column(money.value));
}

static void
slot_set_uuid(TupleTableSlot *slot, AttrNumber column, const OptionalUuid *id)
{
	if (id->present)
		slot_set(slot, column, UUIDPGetDatum(&id->value));
}

static void
slot_set_bool(TupleTableSlot *slot, AttrNumber column, OptionalBool value)
{
	if (value.present)
		slot_set(slot, column, BoolGetDatum(value.value));
}

static void
ledger_fill_side(TupleTableSlot *slot, const SideColumns *columns, const LedgerSide *side)
{
	if (!side->present)
		return;
	slot_set(slot, columns->wallet_id, UUIDPGetDatum(&side->wallet_id));
	slot_set(slot, columns->version, Int64GetDatum(side->version));
	slot_set(slot, columns->balance, money_to_column(side->balance));
	slot_set(slot, columns->held, money_to_column(side->held));
	slot_set_text(slot, columns->status, wallet_status_name(side->status));
	slot_set(slot, columns->user_id, PointerGetDatum(side->user_id));
	if (side->seal.present)
		slot_set(slot, columns->seal, seal_to_column(&side->seal));
}

LedgerCaller
ledger_caller(void)
{
	return (LedgerCaller){
		.session_user_name = GetUserNameFromId(GetSessionUserId(), false),
		.current_user_name = GetUserNameFromId(GetUserId(), false),
		.application_name = application_name == NULL ? "" : application_name,
	};
}

static void
ledger_fill_caller(TupleTableSlot *slot, const LedgerCaller *caller)
{
	slot_set_text(slot, LEDGER_SESSION_USER_NAME, caller->session_user_name);
	slot_set_text(slot, LEDGER_CURRENT_USER_NAME, caller->current_user_name);
	slot_set_text(slot, LEDGER_APPLICATION_NAME, caller->application_name);
}

/* The request as far as the rest of the row doesn't show it. */
static void
ledger_fill_request(TupleTableSlot *slot, const LedgerRow *row)
{
	const char *usual = ledger_kind_operation(row->kind);

	if (usual == NULL || strcmp(row->operation, usual) != 0)
		slot_set_text(slot, LEDGER_OPERATION, row->operation);
	if (row->idempotency_key != NULL)
		slot_set(slot, LEDGER_IDEMPOTENCY_KEY, PointerGetDatum(row->idempotency_key));
	slot_set_uuid(slot, LEDGER_REQUESTED_WALLET_ID, &row->requested_wallet_id);
	slot_set_money(slot, LEDGER_REQUESTED_AMOUNT, row->requested_amount);
	if (row->expires_in != NULL)
		slot_set(slot, LEDGER_EXPIRES_IN, IntervalPGetDatum(row->expires_in));
	slot_set_bool(slot, LEDGER_FINAL, row->final);
	slot_set_bool(slot, LEDGER_MAX_BALANCE_GIVEN, row->max_balance_given);
	if (row->metadata != NULL)
		slot_set(slot, LEDGER_METADATA, JsonbPGetDatum(row->metadata));
}

/* What only some kinds have. */
static void
ledger_fill_kind(TupleTableSlot *slot, const LedgerRow *row)
{
	slot_set_uuid(slot, LEDGER_HOLD_ID, &row->hold_id);
	if (row->expires_at.present)
		slot_set(slot, LEDGER_EXPIRES_AT, TimestampTzGetDatum(row->expires_at.value));
	slot_set_uuid(slot, LEDGER_REVERSES, &row->reverses);
	if (row->reverses_leg.present)
		slot_set(slot, LEDGER_REVERSES_LEG, Int32GetDatum((int32) row->reverses_leg.value));
	slot_set_money(slot, LEDGER_CREDIT_LIMIT, row->credit_limit);
	slot_set_money(slot, LEDGER_MAX_BALANCE, row->max_balance);
}

static void
ledger_fill(TupleTableSlot *slot, const LedgerRow *row)
{
	slot_set(slot, LEDGER_TRANSACTION_ID, UUIDPGetDatum(&row->transaction_id));
	slot_set(slot, LEDGER_CREATED_AT, TimestampTzGetDatum(row->created_at));
	slot_set(slot, LEDGER_LEG, Int32GetDatum(row->leg));
	slot_set(slot, LEDGER_FORCED, BoolGetDatum(row->forced));
	slot_set_text(slot, LEDGER_KIND, ledger_kind_name(row->kind));
	slot_set(slot, LEDGER_AMOUNT, money_to_column(row->amount));
	slot_set(slot, LEDGER_CURRENCY, PointerGetDatum(row->currency));
	ledger_fill_side(slot, &from_columns, &row->from);
	ledger_fill_side(slot, &to_columns, &row->to);
	ledger_fill_caller(slot, &row->caller);
	ledger_fill_kind(slot, row);
	ledger_fill_request(slot, row);
}

static TupleTableSlot *
ledger_clear_slot(Ledger *ledger)
{
	ExecClearTuple(ledger->slot);
	memset(ledger->slot->tts_isnull, true, sizeof(bool) * ledger->slot->tts_tupleDescriptor->natts);
	return ledger->slot;
}

/* A movement has two sides, and they are never of one wallet. */
static void
ledger_check(const LedgerRow *row)
{
	if (!row->from.present && !row->to.present)
		elog(ERROR, "a movement without a wallet");
	if (row->amount < 0 || !money_fits(row->amount))
		error_raise_invariant("INV-10",
							  row->from.present ? &row->from.wallet_id : &row->to.wallet_id,
							  "amount", money_format(row->amount));
	if (row->from.present && row->to.present &&
		wallet_compare_id(&row->from.wallet_id, &row->to.wallet_id) == 0)
		error_raise_invariant("INV-2", &row->from.wallet_id, "the wallet of both sides",
							  "the same");
}

TupleTableSlot *
ledger_make_row(Ledger *ledger, const LedgerRow *row)
{
	TupleTableSlot *slot = ledger_clear_slot(ledger);

	ledger_check(row);
	ledger_fill(slot, row);
	return ExecStoreVirtualTuple(slot);
}

void
ledger_insert(Ledger *ledger, LedgerRow *row)
{
	TupleTableSlot *slot = ledger_make_row(ledger, row);

	origin_begin_write();
	table_row_insert(ledger->table, ledger->description, slot);
	row->tid = slot->tts_tid;
}

void
ledger_enter_key(Ledger *ledger, const LedgerRow *row, void (*on_duplicate)(void *argument),
				 void *argument)
{
	TupleTableSlot *slot = ledger_clear_slot(ledger);

	slot_set(slot, LEDGER_IDEMPOTENCY_KEY, PointerGetDatum(row->idempotency_key));
	ExecStoreVirtualTuple(slot);
	slot->tts_tid = row->tid;
	table_row_enter_key(ledger->table, ledger->description, slot, on_duplicate, argument);
}

/* Datum of a column, with NULL as 0. */
static inline Datum
slot_get(TupleTableSlot *slot, AttrNumber column)
{
	return slot->tts_isnull[column - 1] ? (Datum) 0 : slot->tts_values[column - 1];
}

static void
ledger_read_side(TupleTableSlot *slot, const SideColumns *columns, LedgerSide *side)
{
	memset(side, 0, sizeof(*side));
	if (slot->tts_isnull[columns->wallet_id - 1])
		return;
	side->present = true;
	side->wallet_id = *DatumGetUUIDP(slot_get(slot, columns->wallet_id));
	side->version = DatumGetInt64(slot_get(slot, columns->version));
	side->balance = money_from_column(slot_get(slot, columns->balance));
	side->held = money_from_column(slot_get(slot, columns->held));
	side->status = wallet_status_from_text(DatumGetTextPP(slot_get(slot, columns->status)));
	side->user_id = DatumGetTextPP(slot_get(slot, columns->user_id));
	side->seal =
		seal_from_column(slot->tts_isnull[columns->seal - 1], slot_get(slot, columns->seal));
}

static LedgerKind
ledger_kind_from_text(const text *name)
{
	return (LedgerKind) text_to_enum(name, kind_names, lengthof(kind_names), "ledger kind");
}

static Interval *
slot_get_interval(TupleTableSlot *slot, AttrNumber column)
{
	return slot->tts_isnull[column - 1] ? NULL : DatumGetIntervalP(slot_get(slot, column));
}

static OptionalMoney
slot_get_money(TupleTableSlot *slot, AttrNumber column)
{
	if (slot->tts_isnull[column - 1])
		return (OptionalMoney){.present = false};
	return optional_money(money_from_column(slot_get(slot, column)));
}

static OptionalBool
slot_get_bool(TupleTableSlot *slot, AttrNumber column)
{
	if (slot->tts_isnull[column - 1])
		return (OptionalBool){.present = false};
	return optional_bool(DatumGetBool(slot_get(slot, column)));
}

static OptionalUuid
slot_get_uuid(TupleTableSlot *slot, AttrNumber column)
{
	return optional_uuid(slot->tts_isnull[column - 1] ? NULL
													  : DatumGetUUIDP(slot_get(slot, column)));
}

static void
ledger_read_request(TupleTableSlot *slot, LedgerRow *row)
{
	row->operation = slot->tts_isnull[LEDGER_OPERATION - 1]
						 ? ledger_kind_operation(row->kind)
						 : TextDatumGetCString(slot_get(slot, LEDGER_OPERATION));
	if (!slot->tts_isnull[LEDGER_IDEMPOTENCY_KEY - 1])
		row->idempotency_key = DatumGetTextPP(slot_get(slot, LEDGER_IDEMPOTENCY_KEY));
	row->requested_wallet_id = slot_get_uuid(slot, LEDGER_REQUESTED_WALLET_ID);
	row->requested_amount = slot_get_money(slot, LEDGER_REQUESTED_AMOUNT);
	row->expires_in = slot_get_interval(slot, LEDGER_EXPIRES_IN);
	row->final = slot_get_bool(slot, LEDGER_FINAL);
	row->max_balance_given = slot_get_bool(slot, LEDGER_MAX_BALANCE_GIVEN);
	if (!slot->tts_isnull[LEDGER_METADATA - 1])
		row->metadata = DatumGetJsonbP(slot_get(slot, LEDGER_METADATA));
}

void
ledger_read(TupleTableSlot *slot, LedgerRow *row)
{
	memset(row, 0, sizeof(*row));
	slot_getallattrs(slot);
	row->transaction_id = *DatumGetUUIDP(slot_get(slot, LEDGER_TRANSACTION_ID));
	row->leg = DatumGetInt32(slot_get(slot, LEDGER_LEG));
	row->kind = ledger_kind_from_text(DatumGetTextPP(slot_get(slot, LEDGER_KIND)));
	ledger_read_side(slot, &from_columns, &row->from);
	ledger_read_side(slot, &to_columns, &row->to);
	row->amount = money_from_column(slot_get(slot, LEDGER_AMOUNT));
	row->currency = DatumGetTextPP(slot_get(slot, LEDGER_CURRENCY));
	row->created_at = DatumGetTimestampTz(slot_get(slot, LEDGER_CREATED_AT));
	row->forced = DatumGetBool(slot_get(slot, LEDGER_FORCED));
	row->caller = (LedgerCaller){
		.session_user_name = TextDatumGetCString(slot_get(slot, LEDGER_SESSION_USER_NAME)),
		.current_user_name = TextDatumGetCString(slot_get(slot, LEDGER_CURRENT_USER_NAME)),
		.application_name = TextDatumGetCString(slot_get(slot, LEDGER_APPLICATION_NAME)),
	};
	row->hold_id = slot_get_uuid(slot, LEDGER_HOLD_ID);
	row->reverses = slot_get_uuid(slot, LEDGER_REVERSES);
	if (!slot->tts_isnull[LEDGER_REVERSES_LEG - 1])
		row->reverses_leg = optional_integer(DatumGetInt32(slot_get(slot, LEDGER_REVERSES_LEG)));
	row->credit_limit = slot_get_money(slot, LEDGER_CREDIT_LIMIT);
	row->max_balance = slot_get_money(slot, LEDGER_MAX_BALANCE);
	if (!slot->tts_isnull[LEDGER_EXPIRES_AT - 1])
		row->expires_at = optional_time(DatumGetTimestampTz(slot_get(slot, LEDGER_EXPIRES_AT)));
	ledger_read_request(slot, row);
}
