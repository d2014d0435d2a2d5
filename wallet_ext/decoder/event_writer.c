/*
 * event_writer.c
 *		The only writer of the event's field names: one table, in the order the fields have.
 *
 * Fields are only ever appended to the table. Room for everything of bounded length is made once
 * per event; a text makes its own. The writing itself neither allocates nor raises: a value that
 * has no form in the event is reported with the field's name, and the reader's policy decides.
 */
#include "event_writer.h"

#include "fmgr.h"
#include "json_writer.h"
#include "utils/timestamp.h"
#include "utils/builtins.h"
#include "uuid5.h"

/* Of a SHA-256. */
#define SEAL_BYTES 32

typedef struct EventWriter
{
	JsonWriter json; /* first: a value's writer is given this */
	const LedgerRow *row;
	LedgerSide side;
	const EventKey *key;
} EventWriter;

typedef enum FieldSource
{
	SOURCE_KEY,		  /* the event's key */
	SOURCE_ROW,		  /* a column of the whole row */
	SOURCE_SIDE,	  /* a column of the event's wallet */
	SOURCE_OTHER_SIDE /* a column of the wallet on the other side */
} FieldSource;

typedef struct EventField
{
	const char *name;
	const char *prefix; /* comma, quoted name, colon */
	int prefix_bytes;
	ValueWriter write;
	FieldSource source;
	int column;
	bool is_nullable;
} EventField;

static bool event_id_write(JsonWriter *writer, Datum unused);
static bool event_type_write(JsonWriter *writer, Datum value);
static bool version_write(JsonWriter *writer, Datum value);
static bool seal_write(JsonWriter *writer, Datum value);

#define FIELD_NAMED(name) name, ",\"" name "\":", sizeof(",\"" name "\":") - 1
#define FIELD_REQUIRED	  false
#define FIELD_NULLABLE	  true

static const EventField event_fields[] = {
	{FIELD_NAMED("event_id"), event_id_write, SOURCE_KEY, 0, FIELD_REQUIRED},
	{FIELD_NAMED("event_type"), event_type_write, SOURCE_ROW, LEDGER_KIND, FIELD_REQUIRED},
	{FIELD_NAMED("transaction_id"), json_uuid_write, SOURCE_ROW, LEDGER_TRANSACTION_ID,
	 FIELD_REQUIRED},
	{FIELD_NAMED("wallet_id"), json_uuid_write, SOURCE_SIDE, SIDE_WALLET_ID, FIELD_REQUIRED},
	{FIELD_NAMED("user_id"), json_text_write, SOURCE_SIDE, SIDE_USER_ID, FIELD_REQUIRED},
	{FIELD_NAMED("version"), version_write, SOURCE_SIDE, SIDE_VERSION, FIELD_REQUIRED},
	{FIELD_NAMED("amount"), json_amount_write, SOURCE_ROW, LEDGER_AMOUNT, FIELD_REQUIRED},
	{FIELD_NAMED("balance"), json_amount_write, SOURCE_SIDE, SIDE_BALANCE, FIELD_REQUIRED},
	{FIELD_NAMED("held"), json_amount_write, SOURCE_SIDE, SIDE_HELD, FIELD_REQUIRED},
	{FIELD_NAMED("currency"), json_text_write, SOURCE_ROW, LEDGER_CURRENCY, FIELD_REQUIRED},
	{FIELD_NAMED("counterparty_wallet_id"), json_uuid_write, SOURCE_OTHER_SIDE, SIDE_WALLET_ID,
	 FIELD_NULLABLE},
	{FIELD_NAMED("hold_id"), json_uuid_write, SOURCE_ROW, LEDGER_HOLD_ID, FIELD_NULLABLE},
	{FIELD_NAMED("created_at"), json_time_write, SOURCE_ROW, LEDGER_CREATED_AT, FIELD_REQUIRED},
	{FIELD_NAMED("metadata"), json_metadata_write, SOURCE_ROW, LEDGER_METADATA, FIELD_NULLABLE},
	{FIELD_NAMED("status"), json_text_write, SOURCE_SIDE, SIDE_STATUS, FIELD_REQUIRED},
	{FIELD_NAMED("credit_limit"), json_amount_write, SOURCE_ROW, LEDGER_CREDIT_LIMIT,
	 FIELD_NULLABLE},
	{FIELD_NAMED("max_balance"), json_amount_write, SOURCE_ROW, LEDGER_MAX_BALANCE, FIELD_NULLABLE},
	{FIELD_NAMED("expires_at"), json_time_write, SOURCE_ROW, LEDGER_EXPIRES_AT, FIELD_NULLABLE},
	{FIELD_NAMED("reverses"), json_uuid_write, SOURCE_ROW, LEDGER_REVERSES, FIELD_NULLABLE},
	{FIELD_NAMED("seal"), seal_write, SOURCE_SIDE, SIDE_SEAL, FIELD_NULLABLE},
};

/* Kinds whose entries tell the sides apart by name. */
static const char *const sided_kinds[] = {"TRANSFER", "CAPTURE", "REVERSAL"};

static bool
event_id_write(JsonWriter *writer, Datum unused)
{
	const EventKey *key = ((EventWriter *) writer)->key;

	if (key->event_id[0] == EVENT_ID_UNKNOWN[0])
		return json_advance(writer, NULL, "needs the wallet's id and version");

	*writer->at++ = '"';
	writer->at = bytes_put(writer->at, key->event_id, WALLET_UUID_TEXT_BYTES);
	*writer->at++ = '"';
	return true;
}

/* The ledger row's kind, with the direction where the row has one. */
static bool
event_type_write(JsonWriter *writer, Datum value)
{
	LedgerSide side = ((EventWriter *) writer)->side;
	ptrdiff_t kind_at = writer->at + 1 - writer->out->data;

	if (!json_text_write(writer, value))
		return false;

	const char *kind = writer->out->data + kind_at;
	size_t kind_bytes = writer->at - 1 - kind;

	for (int index = 0; index < lengthof(sided_kinds); index++)
	{
		if (strlen(sided_kinds[index]) != kind_bytes ||
			memcmp(sided_kinds[index], kind, kind_bytes) != 0)
			continue;
		writer->at--; /* over the closing quote */
		writer->at = side == LEDGER_FROM ? LITERAL_PUT(writer->at, "_OUT\"")
										 : LITERAL_PUT(writer->at, "_IN\"");
		break;
	}
	return true;
}

static bool
version_write(JsonWriter *writer, Datum value)
{
	writer->at += pg_lltoa(DatumGetInt64(value), writer->at);
	return true;
}

/* In hexadecimal. */
static bool
seal_write(JsonWriter *writer, Datum value)
{
	if (!json_varlena_is_readable(writer, value))
		return false;

	const bytea *seal = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(seal) != SEAL_BYTES)
		return json_advance(writer, NULL, "is not a SHA-256");
	*writer->at++ = '"';
	writer->at += hex_encode(VARDATA_ANY(seal), SEAL_BYTES, writer->at);
	*writer->at++ = '"';
	return true;
}

static int
field_find_column(const EventField *field, LedgerSide side)
{
	switch (field->source)
	{
		case SOURCE_SIDE:
			return side + field->column;
		case SOURCE_OTHER_SIDE:
			return side_get_other(side) + field->column;
		default:
			return field->column;
	}
}

static bool
field_write(EventWriter *writer, const EventField *field)
{
	JsonWriter *json = &writer->json;
	Datum value = (Datum) 0;

	json->at = bytes_put(json->at, field->prefix, field->prefix_bytes);
	if (field->source == SOURCE_KEY ||
		ledger_row_get(writer->row, field_find_column(field, writer->side), &value))
		return field->write(json, value);
	if (!field->is_nullable)
		return json_advance(json, NULL, "is NULL");
	json->at = LITERAL_PUT(json->at, "null");
	return true;
}

/* Undoes what was written and says why. */
static bool
event_refuse(EventWriter *writer, const char *field_name, EventError *error)
{
	json_writer_drop(&writer->json);
	snprintf(error->reason, sizeof(error->reason), "%s %s", field_name, writer->json.failure);
	return false;
}

bool
event_write(StringInfo out, const LedgerRow *row, LedgerSide side, const EventKey *key,
			EventError *error)
{
	EventWriter writer = {.row = row, .side = side, .key = key};

	if (row->columns->mistyped != NULL)
	{
		snprintf(error->reason, sizeof(error->reason),
				 "column \"%s\" of the ledger has an unexpected type", row->columns->mistyped);
		return false;
	}
	json_writer_open(&writer.json, out, lengthof(event_fields));
	for (int index = 0; index < lengthof(event_fields); index++)
	{
		if (!field_write(&writer, &event_fields[index]))
			return event_refuse(&writer, event_fields[index].name, error);
		Assert(writer.json.at <= out->data + out->maxlen);
	}
	return json_writer_close(&writer.json) || event_refuse(&writer, "event", error);
}

void
event_key_make(EventKey *key, const LedgerRow *row, LedgerSide side)
{
	Datum wallet_id;
	Datum version;
	Datum created_at;

	*key = event_key_unknown();
	if (ledger_row_get(row, LEDGER_CREATED_AT, &created_at))
		key->created_at = event_time_make(DatumGetTimestampTz(created_at));
	if (!ledger_row_get(row, side + SIDE_WALLET_ID, &wallet_id))
		return;
	uuid_put(key->wallet_id, DatumGetUUIDP(wallet_id)->data);
	if (!ledger_row_get(row, side + SIDE_VERSION, &version))
		return;

	char name[MAXINT8LEN + 1];
	int name_bytes = pg_lltoa(DatumGetInt64(version), name);
	uint8 event_id[UUID5_BYTES];

	uuid5_make(event_id, DatumGetUUIDP(wallet_id)->data, name, name_bytes);
	uuid_put(key->event_id, event_id);
}

/* A key's id as a JSON value. */
static void
key_id_append(StringInfo out, const char *id)
{
	if (id[0] == EVENT_ID_UNKNOWN[0])
		appendStringInfoString(out, "null");
	else
		appendStringInfo(out, "\"%.*s\"", WALLET_UUID_TEXT_BYTES, id);
}

void
event_error_write(StringInfo out, const EventKey *key, const EventError *error)
{
	char reason[sizeof(error->reason) * STRING_ESCAPE_BYTES + 2];
	char *end = string_put(reason, error->reason, strlen(error->reason));

	appendStringInfoString(out, "{\"error\":");
	appendBinaryStringInfo(out, reason, (int) (end - reason));
	appendStringInfoString(out, ",\"wallet_id\":");
	key_id_append(out, key->wallet_id);
	appendStringInfoString(out, ",\"event_id\":");
	key_id_append(out, key->event_id);
	appendStringInfoChar(out, '}');
}
