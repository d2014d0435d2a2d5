/*
 * batch.c
 *		wallet_transfer_batch: many transfers in input order, in one round trip.
 *
 * Every item is an operation of its own, judged by what the earlier ones left. Not atomic, an
 * item's own errors become its row. Judging changes only memory, which is restored when an item
 * fails; so no subtransaction is needed. Anything else aborts the call.
 *
 * As a single transfer, a batch is tried without the locks first: the wallets are read, all items
 * judged, and each wallet is written once, or locked where nothing changed it, in id order. Where
 * somebody is in the way, all wallets are locked in id order and all items are judged again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "call.h"
#include "clock.h"
#include "errors.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(wallet_transfer_batch);

#define RESULT_COLUMNS 6

typedef struct ArrayArgument
{
	Datum *values;
	bool *nulls;
	int count;
} ArrayArgument;

/* What an item came to. */
typedef struct ItemResult
{
	pg_uuid_t transaction_id; /* where sqlstate says that it was done */
	int sqlstate;
	bool replayed;
	char *message; /* NULL: done */
	char *detail;  /* a JSON object; NULL: none */
} ItemResult;

/* The key of one or more items. */
typedef struct BatchKey
{
	bool is_taken; /* by an earlier call */
	int row;	   /* of this call that has it; -1: none yet */
} BatchKey;

typedef struct Batch
{
	Call call;
	ArrayArgument from_ids;
	ArrayArgument to_ids;
	ArrayArgument amounts;
	/* Where count is 0 there are none. */
	ArrayArgument keys;
	ArrayArgument item_metadata;
	ArrayArgument expected_versions;
	bool atomic;
	Jsonb *metadata;
	int count;
	Wallet **sides;	  /* of each item, from and to; NULL for a NULL id */
	KeyPlace *places; /* of the items' keys, sorted */
	int place_count;
	BatchKey *known_keys;
	BatchKey **item_keys; /* of each item; NULL: it has none */
	ItemResult *results;
	MemoryContext item_context; /* of what one item needs */
} Batch;

static ArrayArgument
batch_read_array(Datum array, Oid type)
{
	ArrayArgument argument;
	int16 length = 0;
	bool by_value = false;
	char align = 0;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(array), type, length, by_value, align, &argument.values,
					  &argument.nulls, &argument.count);
	return argument;
}

static const pg_uuid_t *
array_id(const ArrayArgument *array, int item)
{
	return array->nulls[item] ? NULL : DatumGetUUIDP(array->values[item]);
}

/* Whether the item has an element of its own in an array that may be missing. */
static bool
array_has(const ArrayArgument *array, int item)
{
	return array->count > 0 && !array->nulls[item];
}

/* NULL: the item has none. */
static text *
batch_key(const Batch *batch, int item)
{
	return array_has(&batch->keys, item) ? DatumGetTextPP(batch->keys.values[item]) : NULL;
}

/* The arguments behind the required ones; NULL: no element for any item. */
static ArrayArgument
batch_read_optional_array(FunctionCallInfo fcinfo, int argument, Oid type)
{
	if (PG_ARGISNULL(argument))
		return (ArrayArgument){.count = 0};
	return batch_read_array(PG_GETARG_DATUM(argument), type);
}

static void
batch_check_length(const Batch *batch, const ArrayArgument *array, const char *argument)
{
	if (array->count != batch->count)
		error_raise_malformed(argument, "must have as many elements as from_wallet_ids");
}

static void
batch_check_lengths(const Batch *batch, FunctionCallInfo fcinfo)
{
	batch_check_length(batch, &batch->to_ids, "to_wallet_ids");
	batch_check_length(batch, &batch->amounts, "amounts");
	if (!PG_ARGISNULL(3))
		batch_check_length(batch, &batch->keys, "idempotency_keys");
	if (!PG_ARGISNULL(6))
		batch_check_length(batch, &batch->item_metadata, "item_metadata");
	if (!PG_ARGISNULL(7))
		batch_check_length(batch, &batch->expected_versions, "expected_versions");
	if (batch->count > guc_max_batch_items)
		error_raise_too_many_items("from_wallet_ids", batch->count);
}

static void
batch_read_arguments(Batch *batch, FunctionCallInfo fcinfo)
{
	static const char *const required[] = {"from_wallet_ids", "to_wallet_ids", "amounts"};
	Request request = {0};

	request_check_not_null(fcinfo, required, lengthof(required));
	if (PG_ARGISNULL(4))
		error_raise_null_argument("atomic");
	batch->from_ids = batch_read_array(PG_GETARG_DATUM(0), UUIDOID);
	batch->to_ids = batch_read_array(PG_GETARG_DATUM(1), UUIDOID);
	batch->amounts = batch_read_array(PG_GETARG_DATUM(2), NUMERICOID);
	batch->keys = batch_read_optional_array(fcinfo, 3, TEXTOID);
	batch->atomic = PG_GETARG_BOOL(4);
	request_read_metadata(&request, fcinfo, 5);
	batch->metadata = request.metadata;
	batch->item_metadata = batch_read_optional_array(fcinfo, 6, JSONBOID);
	batch->expected_versions = batch_read_optional_array(fcinfo, 7, INT8OID);
	batch->count = batch->from_ids.count;
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6))
		error_raise_malformed("item_metadata", "must not be given beside metadata");
	batch_check_lengths(batch, fcinfo);
}

/* The keys in byte order, and for each item the first one with its key. */
static void
batch_sort_keys(Batch *batch)
{
	batch->places = palloc_extended(sizeof(KeyPlace) * Max(batch->keys.count, 1), MCXT_ALLOC_HUGE);
	batch->item_keys = palloc_extended(sizeof(BatchKey *) * Max(batch->count, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < batch->keys.count; i++)
	{
		const text *key = batch_key(batch, i);

		if (key != NULL)
			batch->places[batch->place_count++] = idempotency_place(key, i);
	}
	idempotency_sort(batch->places, batch->place_count);
	batch->known_keys =
		palloc_extended(sizeof(BatchKey) * Max(batch->place_count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0, known = -1; i < batch->place_count; i++)
	{
		if (i == 0 || !idempotency_same_key(&batch->places[i - 1], &batch->places[i]))
			known++;
		batch->item_keys[batch->places[i].position] = &batch->known_keys[known];
	}
}

/* Which keys are taken by earlier calls; whether any had to be waited for. */
static bool
batch_look_up_keys(Batch *batch)
{
	bool waited = batch->place_count > 0 &&
				  idempotency_look_up_all(&batch->call.ledger, batch->places, batch->place_count);

	for (int i = 0; i < batch->place_count; i++)
		*batch->item_keys[batch->places[i].position] =
			(BatchKey){.is_taken = batch->places[i].is_taken, .row = -1};
	return waited;
}

/* Reads the wallets, and then looks whose keys they are: as wallet_transfer does. A key that is
 * being taken is waited for before any lock; after a wait everything is looked at anew. */
static void
batch_open(Batch *batch)
{
	const pg_uuid_t **ids =
		palloc_extended(sizeof(pg_uuid_t *) * 2 * Max(batch->count, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < batch->count; i++)
	{
		ids[2 * i] = array_id(&batch->from_ids, i);
		ids[2 * i + 1] = array_id(&batch->to_ids, i);
	}
	batch->sides = palloc_extended(sizeof(Wallet *) * 2 * Max(batch->count, 1), MCXT_ALLOC_HUGE);
	batch_sort_keys(batch);
	for (;;)
	{
		call_open_wallets(&batch->call, ids, 2 * batch->count, batch->sides);
		wallet_set_find(&batch->call.wallets);
		if (!batch_look_up_keys(batch))
			break;
		call_restart(&batch->call);
	}
	pfree(ids);
}

/* What the item's row keeps lasts as long as the call. */
static Jsonb *
item_read_metadata(const Batch *batch, int item)
{
	if (!array_has(&batch->item_metadata, item))
		return batch->metadata;

	MemoryContext caller = MemoryContextSwitchTo(batch->call.context);
	Jsonb *metadata = DatumGetJsonbP(batch->item_metadata.values[item]);

	MemoryContextSwitchTo(caller);
	return request_check_metadata(metadata);
}

/* The item as a request of its own, checked as far as no table is needed. For its key it is a
 * wallet_transfer: a retry may come singly or in a batch. */
static Request
item_read(const Batch *batch, int item)
{
	static const char *const names[] = {"from_wallet_id", "to_wallet_id", "amount"};
	Request request = {
		.operation = "wallet_transfer",
		.kind = LEDGER_TRANSFER,
		.from_argument = names[0],
		.to_argument = names[1],
		.from_wallet_id = array_id(&batch->from_ids, item),
		.to_wallet_id = array_id(&batch->to_ids, item),
		.amount_rule = AMOUNT_REQUIRED,
		.idempotency_key = batch_key(batch, item),
	};

	if (request.from_wallet_id == NULL)
		error_raise_null_argument(names[0]);
	if (request.to_wallet_id == NULL)
		error_raise_null_argument(names[1]);
	if (batch->amounts.nulls[item])
		error_raise_null_argument(names[2]);
	request_check_id(request.from_wallet_id, names[0]);
	request_check_id(request.to_wallet_id, names[1]);
	if (request.idempotency_key != NULL)
		request_check_key(request.idempotency_key);
	if (array_has(&batch->expected_versions, item))
		request_set_expected_version(&request,
									 DatumGetInt64(batch->expected_versions.values[item]));
	request.metadata = item_read_metadata(batch, item);
	request.amount = optional_money(request_check_amount(batch->amounts.values[item], names[2]));
	if (wallet_compare_id(request.from_wallet_id, request.to_wallet_id) == 0)
		error_raise_same_wallet(request.from_wallet_id);
	return request;
}

/* Whether an earlier item or call has done the request; its id is then the result's. */
static bool
item_find_key(Batch *batch, int item, const Request *request, const LedgerRow *stored,
			  ItemResult *result)
{
	const BatchKey *key = batch->item_keys[item];
	const LedgerRow *owner = stored;

	if (key != NULL && key->row >= 0)
		owner = &batch->call.journal.rows[key->row];
	if (owner == NULL)
		return false;
	idempotency_compare(owner, request);
	result->transaction_id = owner->transaction_id;
	result->replayed = true;
	return true;
}

/*
 * Judges the item and says what is to be written. stored: who had its key before this call,
 * or NULL.
 */
static void
item_transfer(Batch *batch, int item, const LedgerRow *stored, ItemResult *result)
{
	Call *call = &batch->call;
	Request request = item_read(batch, item);

	if (item_find_key(batch, item, &request, stored, result))
		return;

	Wallet **sides = &batch->sides[2 * item];
	const Parties parties = {.first = sides[0], .second = sides[1]};

	fault_raise(fault_of_parties(&parties, &request));
	call_release_expired(call, sides[0]);
	fault_raise(fault_of_debit(sides[0], request.amount.value));
	fault_raise(fault_of_credit(sides[1], request.amount.value));
	journal_begin(&call->journal, &request, call->now, sides, 2);
	journal_append(&call->journal, request.kind, sides[0], sides[1], request.amount.value);
	result->transaction_id = call->journal.transaction_id;
	if (batch->item_keys[item] != NULL)
		batch->item_keys[item]->row = call->journal.count - 1;
}

/* What an item may change before it is refused. */
typedef struct ItemState
{
	int rows;
	int changed_holds;
	int expiries;
	Wallet *from;
	WalletState next;
	bool expired_released;
} ItemState;

static ItemState
item_state_save(Batch *batch, int item)
{
	Call *call = &batch->call;
	ItemState state = {
		.rows = call->journal.count,
		.changed_holds = list_length(call->changed_holds),
		.expiries = call->expiries,
		.from = batch->sides[2 * item],
	};

	if (state.from != NULL)
	{
		state.next = state.from->next;
		state.expired_released = state.from->expired_released;
	}
	return state;
}

static void
item_state_restore(Batch *batch, const ItemState *state)
{
	Call *call = &batch->call;

	journal_truncate(&call->journal, state->rows);
	call->changed_holds = list_truncate(call->changed_holds, state->changed_holds);
	call->expiries = state->expiries;
	if (state->from == NULL)
		return;
	state->from->next = state->next;
	state->from->expired_released = state->expired_released;
}

/* Class 22 or WL: about the item, not about the call. */
static bool
is_error_of_item(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_TO_CATEGORY(ERRCODE_WALLET_NOT_FOUND);
}

/* The error that was caught, as the item's result. */
static void
item_keep_error(Batch *batch, ItemResult *result)
{
	MemoryContextSwitchTo(batch->call.context);

	ErrorData *error = CopyErrorData();

	FlushErrorState();
	result->sqlstate = error->sqlerrcode;
	result->message = pstrdup(error->message);
	if (error->detail != NULL && error->detail[0] == '{')
		result->detail = pstrdup(error->detail);
	FreeErrorData(error);
}

/* The same, with the item's own error as its result. What is called here holds no buffer, lock or
 * reference when it raises one. */
static void
item_try_transfer(Batch *batch, int item, const LedgerRow *stored, ItemResult *result)
{
	const ItemState state = item_state_save(batch, item);

	PG_TRY();
	{
		item_transfer(batch, item, stored, result);
	}
	PG_CATCH();
	{
		if (!is_error_of_item(geterrcode()))
			PG_RE_THROW();
		item_keep_error(batch, result);
		item_state_restore(batch, &state);
	}
	PG_END_TRY();
}

static void
batch_transfer_item(Batch *batch, int item)
{
	const BatchKey *key = batch->item_keys[item];
	const LedgerRow *stored = NULL;
	LedgerRow owner;

	if (key != NULL && key->is_taken &&
		idempotency_look_up(&batch->call.ledger, batch_key(batch, item), batch->call.snapshot,
							&owner) == KEY_TAKEN)
		stored = &owner;
	if (!batch->atomic)
		item_try_transfer(batch, item, stored, &batch->results[item]);
	else
	{
		error_set_index(item + 1);
		item_transfer(batch, item, stored, &batch->results[item]);
		error_set_index(0);
	}
}

/* Each in memory that the next one takes over: what lasts goes into the call's own. */
static void
batch_transfer_items(Batch *batch)
{
	for (int i = 0; i < batch->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(batch->item_context);
		MemoryContextSwitchTo(batch->item_context);
		batch_transfer_item(batch, i);
		MemoryContextSwitchTo(batch->call.context);
	}
}

/* A batch that touches held money is locked, since holds may expire. */
static bool
batch_may_try(const Batch *batch)
{
	const WalletSet *set = &batch->call.wallets;

	if (!set->scan.description->is_direct)
		return false;
	for (int i = 0; i < set->count; i++)
		if (set->wallets[i].found && set->wallets[i].state.held != 0)
			return false;
	return true;
}

/* Judges all items by what the wallets were found to be; false where that raises the error of an
 * item, which counts only under the locks. */
static bool
batch_judge_found(Batch *batch)
{
	volatile bool is_judged = true;

	batch->call.now = clock_read();
	PG_TRY();
	{
		batch_transfer_items(batch);
	}
	PG_CATCH();
	{
		if (!is_error_of_item(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(batch->call.context);
		FlushErrorState();
		error_set_index(0);
		is_judged = false;
	}
	PG_END_TRY();
	return is_judged;
}

/* What was judged without the locks is forgotten; who had them before may have done requests. */
static void
batch_lock(Batch *batch)
{
	call_lock(&batch->call);
	journal_truncate(&batch->call.journal, 0);
	memset(batch->results, 0, sizeof(ItemResult) * batch->count);
	if (batch_look_up_keys(batch))
		batch->call.now = clock_read();
}

static void
batch_run(Batch *batch)
{
	call_begin(&batch->call);
	batch_open(batch);
	journal_reserve(&batch->call.journal, batch->count);
	batch->results = palloc_extended(sizeof(ItemResult) * Max(batch->count, 1),
									 MCXT_ALLOC_ZERO | MCXT_ALLOC_HUGE);
	batch->item_context =
		AllocSetContextCreate(CurrentMemoryContext, "wallet batch item", ALLOCSET_DEFAULT_SIZES);
	if (!batch_may_try(batch) || !batch_judge_found(batch) || !call_try_write(&batch->call))
	{
		batch_lock(batch);
		batch_transfer_items(batch);
	}
	batch->call.journal.request = NULL;
	call_write(&batch->call);
	call_end(&batch->call);
}

static void
item_return(const ItemResult *item, int index, ReturnSetInfo *result)
{
	bool is_done = item->message == NULL;
	Datum values[RESULT_COLUMNS] = {
		Int32GetDatum(index),
		UUIDPGetDatum(&item->transaction_id),
		CStringGetTextDatum(unpack_sql_state(item->sqlstate)),
		is_done ? (Datum) 0 : CStringGetTextDatum(item->message),
		item->detail == NULL ? (Datum) 0
							 : DirectFunctionCall1(jsonb_in, CStringGetDatum(item->detail)),
		BoolGetDatum(item->replayed),
	};
	bool nulls[RESULT_COLUMNS] = {false, !is_done, false, is_done, item->detail == NULL, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
batch_return(const Batch *batch, ReturnSetInfo *result)
{
	MemoryContext caller = MemoryContextSwitchTo(batch->item_context);

	for (int i = 0; i < batch->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(batch->item_context);
		item_return(&batch->results[i], i + 1, result);
	}
	MemoryContextSwitchTo(caller);
}

Datum
wallet_transfer_batch(PG_FUNCTION_ARGS)
{
	Batch batch = {0};

	request_begin("wallet_transfer_batch()");
	batch_read_arguments(&batch, fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	PG_TRY();
	{
		batch_run(&batch);
	}
	PG_FINALLY();
	{
		error_set_index(0);
	}
	PG_END_TRY();
	batch_return(&batch, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
