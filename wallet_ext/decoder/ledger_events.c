/*
 * ledger_events.c
 *		SQL function wallet_ledger_events: the events of a stored ledger row.
 *
 * Backfill and checks get their events here, so that the bytes are the decoder's own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "event_writer.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ledger_row.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(wallet_ledger_events);

/* The result's columns. */
typedef enum ResultColumn
{
	RESULT_ORDINAL,
	RESULT_WALLET_ID,
	RESULT_EVENT_ID,
	RESULT_CREATED_AT,
	RESULT_EVENT,
	RESULT_ERROR,
	RESULT_COLUMN_COUNT
} ResultColumn;

/* Kept for a query's calls in fn_extra. */
typedef struct EventsState
{
	Oid row_type;
	int32 row_typmod;
	TupleDesc descriptor;
	LedgerColumns columns;
	LedgerRow row;
} EventsState;

/* The state for rows of that type, made anew when the type is another than at the last call. */
static EventsState *
events_get_state(FmgrInfo *function, HeapTupleHeader entry)
{
	EventsState *state = function->fn_extra;
	Oid row_type = HeapTupleHeaderGetTypeId(entry);
	int32 row_typmod = HeapTupleHeaderGetTypMod(entry);

	if (state != NULL && state->row_type == row_type && state->row_typmod == row_typmod)
		return state;

	MemoryContext caller_context = MemoryContextSwitchTo(function->fn_mcxt);

	state = palloc0(sizeof(EventsState));
	state->row_type = row_type;
	state->row_typmod = row_typmod;
	state->descriptor = lookup_rowtype_tupdesc_copy(row_type, row_typmod);
	ledger_columns_find(&state->columns, state->descriptor);
	MemoryContextSwitchTo(caller_context);
	function->fn_extra = state;
	return state;
}

/* A key's id as a uuid, NULL where it is unknown. */
static void
result_set_id(Datum *values, bool *nulls, ResultColumn column, const char *id)
{
	char text[WALLET_UUID_TEXT_BYTES + 1];

	nulls[column] = id[0] == EVENT_ID_UNKNOWN[0];
	if (nulls[column])
		return;
	memcpy(text, id, WALLET_UUID_TEXT_BYTES);
	text[WALLET_UUID_TEXT_BYTES] = '\0';
	values[column] = DirectFunctionCall1(uuid_in, CStringGetDatum(text));
}

static void
result_put_side(ReturnSetInfo *result, const LedgerRow *row, LedgerSide side, int ordinal)
{
	Datum values[RESULT_COLUMN_COUNT] = {0};
	bool nulls[RESULT_COLUMN_COUNT] = {false};
	EventKey key;
	EventError error;
	StringInfoData event;

	initStringInfo(&event);
	event_key_make(&key, row, side);

	bool is_written = event_write(&event, row, side, &key, &error);

	values[RESULT_ORDINAL] = Int32GetDatum(ordinal);
	result_set_id(values, nulls, RESULT_WALLET_ID, key.wallet_id);
	result_set_id(values, nulls, RESULT_EVENT_ID, key.event_id);
	nulls[RESULT_CREATED_AT] = !ledger_row_get(row, LEDGER_CREATED_AT, &values[RESULT_CREATED_AT]);
	nulls[RESULT_EVENT] = !is_written;
	nulls[RESULT_ERROR] = is_written;
	if (is_written)
		values[RESULT_EVENT] = PointerGetDatum(cstring_to_text_with_len(event.data, event.len));
	else
		values[RESULT_ERROR] = CStringGetTextDatum(error.reason);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
wallet_ledger_events(PG_FUNCTION_ARGS)
{
	HeapTupleHeader entry = PG_GETARG_HEAPTUPLEHEADER(0);
	EventsState *state = events_get_state(fcinfo->flinfo, entry);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(entry), .t_data = entry};

	InitMaterializedSRF(fcinfo, 0);

	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	LedgerSide sides[LEDGER_SIDES_MAX];

	ledger_row_read(&state->row, &state->columns, &tuple, state->descriptor);

	int side_count = ledger_row_list_sides(&state->row, sides);

	for (int ordinal = 0; ordinal < side_count; ordinal++)
		result_put_side(result, &state->row, sides[ordinal], ordinal);
	return (Datum) 0;
}
