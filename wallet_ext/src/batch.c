/*
 * batch.c
 *		wallet_transfer_batch: many transfers in input order, in one round trip.
 *
 * The transfers are made as transfer_many.h says; a retry of an item may come singly or in a batch.
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

#include "errors.h"
#include "guc.h"
#include "stat.h"
#include "transfer_many.h"

PG_FUNCTION_INFO_V1(wallet_transfer_batch);

#define RESULT_COLUMNS 6

typedef struct ArrayArgument
{
	Datum *values;
	bool *nulls;
	int count;
} ArrayArgument;

typedef struct Batch
{
	TransferMany many;
	ArrayArgument from_ids;
	ArrayArgument to_ids;
	ArrayArgument amounts;
	/* Where count is 0 there are none. */
	ArrayArgument keys;
	ArrayArgument item_metadata;
	ArrayArgument expected_versions;
	Jsonb *metadata;
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
	if (array->count != batch->many.count)
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
	if (batch->many.count > guc_max_batch_items)
		error_raise_too_many_items("from_wallet_ids", batch->many.count);
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
	batch->many.atomic = PG_GETARG_BOOL(4);
	request_read_metadata(&request, fcinfo, 5);
	batch->metadata = request.metadata;
	batch->item_metadata = batch_read_optional_array(fcinfo, 6, JSONBOID);
	batch->expected_versions = batch_read_optional_array(fcinfo, 7, INT8OID);
	batch->many.count = batch->from_ids.count;
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6))
		error_raise_malformed("item_metadata", "must not be given beside metadata");
	batch_check_lengths(batch, fcinfo);
}

/* What the item's row keeps lasts as long as the call. */
static Jsonb *
item_read_metadata(const Batch *batch, int item)
{
	if (!array_has(&batch->item_metadata, item))
		return batch->metadata;

	MemoryContext caller = MemoryContextSwitchTo(batch->many.call.context);
	Jsonb *metadata = DatumGetJsonbP(batch->item_metadata.values[item]);

	MemoryContextSwitchTo(caller);
	return request_check_metadata(metadata);
}

/* The item as a request of its own, checked as far as no table is needed. For its key it is a
 * wallet_transfer: a retry may come singly or in a batch. */
static Request
item_read(TransferMany *many, int item)
{
	const Batch *batch = many->owner;
	static const char *const names[] = {"from_wallet_id", "to_wallet_id", "amount"};
	Request request = {
		.operation = "wallet_transfer",
		.kind = LEDGER_TRANSFER,
		.from_argument = names[0],
		.to_argument = names[1],
		.from_wallet_id = array_id(&batch->from_ids, item),
		.to_wallet_id = array_id(&batch->to_ids, item),
		.amount_rule = AMOUNT_REQUIRED,
		.idempotency_key = many->keys[item],
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

static void
batch_run(Batch *batch)
{
	TransferMany *many = &batch->many;

	many->ids = palloc_extended(sizeof(pg_uuid_t *) * 2 * Max(many->count, 1), MCXT_ALLOC_HUGE);
	many->keys =
		palloc_extended(sizeof(text *) * Max(many->count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < many->count; i++)
	{
		many->ids[2 * i] = array_id(&batch->from_ids, i);
		many->ids[2 * i + 1] = array_id(&batch->to_ids, i);
		if (array_has(&batch->keys, i))
			many->keys[i] = DatumGetTextPP(batch->keys.values[i]);
	}
	many->owner = batch;
	many->read = item_read;
	transfer_many_open(many);
	transfer_many_write(many);
	transfer_many_close(many);
}

static void
item_return(const TransferResult *item, int index, ReturnSetInfo *result)
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
	MemoryContext caller = MemoryContextSwitchTo(batch->many.item_context);

	for (int i = 0; i < batch->many.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(batch->many.item_context);
		item_return(&batch->many.results[i], i + 1, result);
	}
	MemoryContextSwitchTo(caller);
}

Datum
wallet_transfer_batch(PG_FUNCTION_ARGS)
{
	Batch batch = {0};

	request_begin("wallet_transfer_batch()");
	batch_read_arguments(&batch, fcinfo);
	stat_add_items(batch.many.count);
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
