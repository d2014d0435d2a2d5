/*
 * batch.c
 *		wallet_transfer_batch: many transfers in input order, in one round trip.
 *
 * All wallets are locked once, in id order, and each is written once, however often it occurs.
 * Every item is an operation of its own, judged by what the earlier ones left. Not atomic, an
 * item's own errors become its row. Judging changes only memory, which is restored when an item
 * fails; so no subtransaction is needed. Anything else aborts the call.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "call.h"
#include "clock.h"
#include "errors.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(wallet_transfer_batch);

#define RESULT_COLUMNS 4

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
	char *message; /* NULL: done */
} ItemResult;

/* Whose key it is: the row of this call that has it. */
typedef struct KeyOwner
{
	char key[IDEMPOTENCY_KEY_BYTES_MAX + 1];
	int row;
} KeyOwner;

typedef struct Batch
{
	Call call;
	ArrayArgument from_ids;
	ArrayArgument to_ids;
	ArrayArgument amounts;
	ArrayArgument keys; /* count 0: none */
	bool atomic;
	Jsonb *metadata;
	int count;
	HTAB *key_owners;
	ItemResult *results;
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

/* NULL: the item has none. */
static text *
batch_key(const Batch *batch, int item)
{
	if (batch->keys.count == 0 || batch->keys.nulls[item])
		return NULL;
	return DatumGetTextPP(batch->keys.values[item]);
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
	batch->count = batch->from_ids.count;
	if (batch->to_ids.count != batch->count)
		error_raise_malformed("to_wallet_ids", "must have as many elements as from_wallet_ids");
	if (batch->amounts.count != batch->count)
		error_raise_malformed("amounts", "must have as many elements as from_wallet_ids");
	if (!PG_ARGISNULL(3))
	{
		batch->keys = batch_read_array(PG_GETARG_DATUM(3), TEXTOID);
		if (batch->keys.count != batch->count)
			error_raise_malformed("idempotency_keys",
								  "must have as many elements as from_wallet_ids");
	}
	if (batch->count > guc_max_batch_items)
		error_raise_too_many_items("from_wallet_ids", batch->count);
	batch->atomic = PG_GETARG_BOOL(4);
	request_read_metadata(&request, fcinfo, 5);
	batch->metadata = request.metadata;
}

/* A key that is being taken is waited for before any lock; after a wait everything is looked at
 * anew. */
static void
batch_wait_for_keys(Batch *batch)
{
	bool waited = true;

	while (waited)
	{
		waited = false;
		for (int i = 0; i < batch->keys.count; i++)
		{
			const text *key = batch_key(batch, i);

			if (key != NULL && idempotency_wait(&batch->call.ledger, key))
				waited = true;
		}
		if (waited)
			call_restart(&batch->call);
	}
}

static void
batch_lock(Batch *batch)
{
	const pg_uuid_t **ids =
		palloc_extended(sizeof(pg_uuid_t *) * 2 * Max(batch->count, 1), MCXT_ALLOC_HUGE);

	for (int i = 0; i < batch->count; i++)
	{
		ids[2 * i] = array_id(&batch->from_ids, i);
		ids[2 * i + 1] = array_id(&batch->to_ids, i);
	}
	call_open_wallets(&batch->call, ids, 2 * batch->count);
	call_lock(&batch->call);
}

static HTAB *
key_owners_create(int count)
{
	const HASHCTL control = {
		.keysize = sizeof(((KeyOwner *) NULL)->key),
		.entrysize = sizeof(KeyOwner),
		.hcxt = CurrentMemoryContext,
	};

	return hash_create("wallet batch keys", Max(count, 1), &control,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

/* The item as a request of its own, checked as far as no table is needed. */
static Request
item_read(const Batch *batch, int item)
{
	static const char *const names[] = {"from_wallet_id", "to_wallet_id", "amount"};
	Request request = {
		.operation = "wallet_transfer_batch",
		.kind = LEDGER_TRANSFER,
		.from_argument = names[0],
		.to_argument = names[1],
		.from_wallet_id = array_id(&batch->from_ids, item),
		.to_wallet_id = array_id(&batch->to_ids, item),
		.amount_rule = AMOUNT_REQUIRED,
		.idempotency_key = batch_key(batch, item),
		.metadata = batch->metadata,
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
	request.amount = optional_money(request_check_amount(batch->amounts.values[item], names[2]));
	if (wallet_compare_id(request.from_wallet_id, request.to_wallet_id) == 0)
		error_raise_same_wallet(request.from_wallet_id);
	return request;
}

/* Whether an earlier item or call has done the request; its id is then the result's. */
static bool
item_find_key(Batch *batch, const Request *request, const LedgerRow *stored,
			  pg_uuid_t *transaction_id)
{
	const LedgerRow *owner = stored;

	if (request->idempotency_key == NULL)
		return false;

	const KeyOwner *earlier =
		hash_search(batch->key_owners, text_to_cstring(request->idempotency_key), HASH_FIND, NULL);

	if (earlier != NULL)
		owner = &batch->call.journal.rows[earlier->row];
	if (owner == NULL)
		return false;
	idempotency_compare(owner, request);
	*transaction_id = owner->transaction_id;
	return true;
}

/*
 * Judges the item and says what is to be written. stored: who had its key before this call,
 * or NULL.
 */
static void
item_transfer(Batch *batch, int item, const LedgerRow *stored, pg_uuid_t *transaction_id)
{
	Call *call = &batch->call;
	Request request = item_read(batch, item);

	if (item_find_key(batch, &request, stored, transaction_id))
		return;

	Wallet *sides[] = {
		wallet_set_get(&call->wallets, request.from_wallet_id),
		wallet_set_get(&call->wallets, request.to_wallet_id),
	};
	const Parties parties = {.first = sides[0], .second = sides[1]};

	fault_raise(fault_of_parties(&parties, &request));
	call_release_expired(call, sides[0]);
	fault_raise(fault_of_debit(sides[0], request.amount.value));
	fault_raise(fault_of_credit(sides[1], request.amount.value));
	journal_begin(&call->journal, &request, call->now, sides, lengthof(sides));
	journal_append(&call->journal, request.kind, sides[0], sides[1], request.amount.value);
	*transaction_id = call->journal.transaction_id;
	if (request.idempotency_key != NULL)
	{
		KeyOwner *owner = hash_search(batch->key_owners, text_to_cstring(request.idempotency_key),
									  HASH_ENTER, NULL);

		owner->row = call->journal.count - 1;
	}
}

/* What an item may change before it is refused. */
typedef struct ItemState
{
	int rows;
	int changed_holds;
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
		.from = wallet_set_get(&call->wallets, array_id(&batch->from_ids, item)),
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

/* The same, with the item's own error as its result. What is called here holds no buffer, lock or
 * reference when it raises one. */
static void
item_try_transfer(Batch *batch, int item, const LedgerRow *stored, ItemResult *result)
{
	MemoryContext context = CurrentMemoryContext;
	const ItemState state = item_state_save(batch, item);

	PG_TRY();
	{
		item_transfer(batch, item, stored, &result->transaction_id);
	}
	PG_CATCH();
	{
		if (!is_error_of_item(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);

		ErrorData *error = CopyErrorData();

		FlushErrorState();
		item_state_restore(batch, &state);
		result->sqlstate = error->sqlerrcode;
		result->message = error->message;
	}
	PG_END_TRY();
}

static void
batch_transfer_item(Batch *batch, int item)
{
	const text *key = batch_key(batch, item);
	LedgerRow owner;
	KeyState state = KEY_FREE;

	if (key != NULL)
		state = idempotency_look_up(&batch->call.ledger, key, batch->call.snapshot, &owner);
	if (state == KEY_WAITED)
		batch->call.now = clock_read();

	const LedgerRow *stored = state == KEY_TAKEN ? &owner : NULL;

	if (!batch->atomic)
		item_try_transfer(batch, item, stored, &batch->results[item]);
	else
	{
		error_set_index(item + 1);
		item_transfer(batch, item, stored, &batch->results[item].transaction_id);
		error_set_index(0);
	}
}

static void
batch_run(Batch *batch)
{
	call_begin(&batch->call);
	batch_wait_for_keys(batch);
	batch_lock(batch);
	batch->key_owners = key_owners_create(batch->keys.count);
	batch->results = palloc0(sizeof(ItemResult) * Max(batch->count, 1));
	for (int i = 0; i < batch->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		batch_transfer_item(batch, i);
	}
	batch->call.journal.request = NULL;
	call_write(&batch->call);
	call_end(&batch->call);
}

static void
batch_return(const Batch *batch, ReturnSetInfo *result)
{
	for (int i = 0; i < batch->count; i++)
	{
		const ItemResult *item = &batch->results[i];
		bool is_done = item->message == NULL;
		Datum values[RESULT_COLUMNS] = {
			Int32GetDatum(i + 1),
			UUIDPGetDatum(&item->transaction_id),
			CStringGetTextDatum(unpack_sql_state(item->sqlstate)),
			is_done ? (Datum) 0 : CStringGetTextDatum(item->message),
		};
		bool nulls[RESULT_COLUMNS] = {false, !is_done, false, is_done};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
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
