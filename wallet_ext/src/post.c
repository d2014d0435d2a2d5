/*
 * post.c
 *		wallet_post: one operation of many legs, all or nothing.
 *
 * Each leg moves money between two wallets of one currency, so that the sum of each currency can't
 * change. All wallets are locked and judged; each leg then sees what the earlier ones did.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "call.h"
#include "errors.h"
#include "guc.h"
#include "ledger_rows.h"
#include "stat.h"
#include "text_value.h"

PG_FUNCTION_INFO_V1(wallet_post);

/* The type wallet_leg. */
typedef enum LegColumn
{
	LEG_FROM,
	LEG_TO,
	LEG_AMOUNT,
	LEG_COLUMNS,
} LegColumn;

static const char *const leg_columns[LEG_COLUMNS] = {"from_wallet_id", "to_wallet_id", "amount"};
static const Oid leg_types[LEG_COLUMNS] = {UUIDOID, UUIDOID, NUMERICOID};

/* Where the attribute stands in the type, which somebody may have altered. */
static AttrNumber
leg_find_column(TupleDesc descriptor, LegColumn column)
{
	Oid found = InvalidOid;

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), leg_columns[column]) != 0)
			continue;
		if (attribute->atttypid == leg_types[column])
			return attribute->attnum;
		found = attribute->atttypid;
	}
	error_raise_shape(psprintf("attribute %s of type wallet_leg with type %s", leg_columns[column],
							   format_type_be(leg_types[column])),
					  OidIsValid(found) ? format_type_be(found) : "missing");
}

/* The columns of a leg, none NULL. The numeric's value is judged after everything malformed. */
static void
leg_read(Datum composite, Leg *leg, Datum *amount)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(composite);
	TupleDesc descriptor =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {
		.t_len = HeapTupleHeaderGetDatumLength(header),
		.t_data = header,
	};
	Datum values[LEG_COLUMNS];
	bool is_null[LEG_COLUMNS];

	for (int i = 0; i < LEG_COLUMNS; i++)
		values[i] = heap_getattr(&tuple, leg_find_column(descriptor, i), descriptor, &is_null[i]);
	ReleaseTupleDesc(descriptor);
	for (int i = 0; i < LEG_COLUMNS; i++)
		if (is_null[i])
			error_raise_null_argument(leg_columns[i]);
	leg->from_wallet_id = DatumGetUUIDP(values[LEG_FROM]);
	leg->to_wallet_id = DatumGetUUIDP(values[LEG_TO]);
	*amount = values[LEG_AMOUNT];
}

/* Reads the legs into the request and their amounts, unchecked; NULL comes before malformed. */
static Datum *
post_read_legs(Request *request, ArrayType *array)
{
	Datum *elements = NULL;
	bool *nulls = NULL;
	int16 length = 0;
	bool by_value = false;
	char align = 0;
	int count = 0;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &elements, &nulls,
					  &count);
	if (count == 0)
		error_raise_malformed("legs", "must not be empty");
	if (count > guc_max_batch_items)
		error_raise_too_many_items("legs", count);

	Leg *legs = palloc(sizeof(Leg) * count);
	Datum *amounts = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
	{
		error_set_index(i + 1);
		if (nulls[i])
			error_raise_null_element("legs");
		leg_read(elements[i], &legs[i], &amounts[i]);
	}
	for (int i = 0; i < count; i++)
	{
		error_set_index(i + 1);
		request_check_id(legs[i].from_wallet_id, leg_columns[LEG_FROM]);
		request_check_id(legs[i].to_wallet_id, leg_columns[LEG_TO]);
	}
	error_set_index(0);
	request->legs = legs;
	request->leg_count = count;
	stat_add_items(count);
	return amounts;
}

static void
post_check_amounts(const Request *request, const Datum *amounts)
{
	Leg *legs = (Leg *) request->legs;

	for (int i = 0; i < request->leg_count; i++)
	{
		error_set_index(i + 1);
		legs[i].amount = request_check_amount(amounts[i], leg_columns[LEG_AMOUNT]);
	}
	for (int i = 0; i < request->leg_count; i++)
	{
		error_set_index(i + 1);
		if (wallet_compare_id(legs[i].from_wallet_id, legs[i].to_wallet_id) == 0)
			error_raise_same_wallet(legs[i].from_wallet_id);
	}
	error_set_index(0);
}

static void
post_print_leg(StringInfo text, const pg_uuid_t *from, const pg_uuid_t *to, Money amount)
{
	appendStringInfo(text, "%s(%s,%s,%s)", text->len > 0 ? "," : "", text_of_uuid(from),
					 text_of_uuid(to), money_format(amount));
}

static bool
post_leg_equals(const Leg *leg, const LedgerRow *row)
{
	return wallet_compare_id(leg->from_wallet_id, &row->from.wallet_id) == 0 &&
		   wallet_compare_id(leg->to_wallet_id, &row->to.wallet_id) == 0 &&
		   leg->amount == row->amount;
}

static bool
post_legs_equal(const Ledger *ledger, const LedgerRow *owner, const Request *request)
{
	LedgerRows rows;
	LedgerRow row;
	int count = 0;
	bool equal = true;

	ledger_rows_begin(&rows, ledger, &owner->transaction_id);
	while (equal && ledger_rows_next(&rows, &row))
	{
		equal = count < request->leg_count && post_leg_equals(&request->legs[count], &row);
		count++;
	}
	ledger_rows_end(&rows);
	return equal && count == request->leg_count;
}

/* As text, for the error that says how they differ. */
static char *
post_print_stored_legs(const Ledger *ledger, const LedgerRow *owner)
{
	StringInfo stored = makeStringInfo();
	LedgerRows rows;
	LedgerRow row;

	ledger_rows_begin(&rows, ledger, &owner->transaction_id);
	while (ledger_rows_next(&rows, &row))
		post_print_leg(stored, &row.from.wallet_id, &row.to.wallet_id, row.amount);
	ledger_rows_end(&rows);
	return stored->data;
}

/* Raises WL005 where the stored operation's legs are others. */
static void
post_compare_legs(const LedgerRow *owner, const Request *request)
{
	char *stored = NULL;
	StringInfo sent = makeStringInfo();
	Ledger ledger;

	ledger_open(&ledger);
	PushActiveSnapshot(GetLatestSnapshot());
	if (!post_legs_equal(&ledger, owner, request))
		stored = post_print_stored_legs(&ledger, owner);
	PopActiveSnapshot();
	ledger_close(&ledger);
	if (stored == NULL)
		return;
	for (int i = 0; i < request->leg_count; i++)
		post_print_leg(sent, request->legs[i].from_wallet_id, request->legs[i].to_wallet_id,
					   request->legs[i].amount);
	idempotency_compare_field(owner, request, "legs", stored, sent->data);
}

static void
post_lock(Call *call, const Request *request, void *state)
{
	const pg_uuid_t **ids =
		palloc_extended(sizeof(pg_uuid_t *) * 2 * request->leg_count, MCXT_ALLOC_HUGE);

	for (int i = 0; i < request->leg_count; i++)
	{
		ids[2 * i] = request->legs[i].from_wallet_id;
		ids[2 * i + 1] = request->legs[i].to_wallet_id;
	}
	call_open_wallets(call, ids, 2 * request->leg_count, NULL);
	call_lock(call);
}

static Parties
post_parties(Call *call, const Leg *leg)
{
	return (Parties){
		.first = wallet_set_get(&call->wallets, leg->from_wallet_id),
		.second = wallet_set_get(&call->wallets, leg->to_wallet_id),
	};
}

/* A rule that no leg can change for another is judged of all legs before the next rule. */
static void
post_check_rule(Call *call, const Request *request, Fault (*rule)(const Parties *parties))
{
	for (int i = 0; i < request->leg_count; i++)
	{
		const Parties parties = post_parties(call, &request->legs[i]);

		error_set_index(i + 1);
		fault_raise(rule(&parties));
	}
	error_set_index(0);
}

static void
post_check_scales(Call *call, const Request *request)
{
	for (int i = 0; i < request->leg_count; i++)
	{
		const Leg *leg = &request->legs[i];
		const Parties parties = post_parties(call, leg);

		error_set_index(i + 1);
		fault_raise(fault_of_decimals(parties.first, leg_columns[2], leg->amount));
	}
	error_set_index(0);
}

static void
post_check_parties(Call *call, const Request *request)
{
	post_check_rule(call, request, fault_of_existence);
	post_check_scales(call, request);

	const Parties first = post_parties(call, &request->legs[0]);

	error_set_index(1);
	fault_raise(fault_of_version(&first, request));
	post_check_rule(call, request, fault_of_status);
	post_check_rule(call, request, fault_of_currency);
}

static void
post_append(Call *call, const Request *request)
{
	WalletSet *set = &call->wallets;
	Wallet **wallets = palloc(sizeof(Wallet *) * set->count);

	for (int i = 0; i < request->leg_count; i++)
		call_release_expired(call, wallet_set_get(set, request->legs[i].from_wallet_id));
	for (int i = 0; i < set->count; i++)
		wallets[i] = &set->wallets[i];
	journal_begin(&call->journal, request, call->now, wallets, set->count);
	for (int i = 0; i < request->leg_count; i++)
	{
		const Leg *leg = &request->legs[i];
		Wallet *from = wallet_set_get(set, leg->from_wallet_id);
		Wallet *to = wallet_set_get(set, leg->to_wallet_id);

		error_set_index(i + 1);
		fault_raise(fault_of_debit(from, leg->amount));
		fault_raise(fault_of_credit(to, leg->amount));
		journal_append(&call->journal, LEDGER_TRANSFER, from, to, leg->amount);
	}
	error_set_index(0);
}

static void
post_judge(Call *call, const Request *request, void *state)
{
	post_check_parties(call, request);
	post_append(call, request);
}

static const CallSteps post_steps = {.lock = post_lock, .judge = post_judge};

static pg_uuid_t *
post_run(FunctionCallInfo fcinfo)
{
	Request request = {
		.operation = "wallet_post",
		.kind = LEDGER_TRANSFER,
		.compare_legs = post_compare_legs,
	};
	Datum *amounts = post_read_legs(&request, PG_GETARG_ARRAYTYPE_P(0));

	request_read_last(&request, fcinfo, 1);
	post_check_amounts(&request, amounts);
	return call_run(&request, &post_steps, NULL);
}

Datum
wallet_post(PG_FUNCTION_ARGS)
{
	static const char *const required[] = {"legs"};
	pg_uuid_t *volatile transaction_id = NULL;

	request_begin("wallet_post()");
	request_check_not_null(fcinfo, required, lengthof(required));
	PG_TRY();
	{
		transaction_id = post_run(fcinfo);
	}
	PG_FINALLY();
	{
		error_set_index(0);
	}
	PG_END_TRY();
	PG_RETURN_UUID_P(transaction_id);
}
