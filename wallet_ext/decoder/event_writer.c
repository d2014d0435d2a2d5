/*
 * event_writer.c
 *		The only writer of the event's field names: one table, in the order the fields have.
 *
 * Fields are only ever appended to the table. Room for everything of bounded length is made once
 * per event; a text makes its own. The writing itself neither allocates nor raises: a value that
 * has no form in the event is reported with the field's name, and the reader's policy decides.
 */
#include "event_writer.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "json_value.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "uuid5.h"

/* Name, quotes and any value but a text or metadata. */
#define FIELD_BYTES_MAX 80

/* Of a SHA-256. */
#define SEAL_BYTES 32

/* Far above what any function of the wallet lets in; escaped it still fits a frame. */
#define TEXT_BYTES_MAX 1048576

/* Days and microseconds between the epochs of Unix and PostgreSQL. */
#define UNIX_EPOCH_OFFSET ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

typedef struct EventWriter
{
	StringInfo out;
	int start; /* of the event in the buffer */
	char *at;  /* the cursor; out->len follows it only in event_make_room and at the end */
	const LedgerRow *row;
	LedgerSide side;
	const EventKey *key;
	const char *failure; /* what is wrong with the value being written */
} EventWriter;

/* Writes a value at the cursor; false with the writer's failure set. */
typedef bool (*ValueWriter)(EventWriter *writer, Datum value);

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

static bool event_id_write(EventWriter *writer, Datum unused);
static bool event_type_write(EventWriter *writer, Datum value);
static bool uuid_write(EventWriter *writer, Datum value);
static bool text_write(EventWriter *writer, Datum value);
static bool version_write(EventWriter *writer, Datum value);
static bool amount_write(EventWriter *writer, Datum value);
static bool time_write(EventWriter *writer, Datum value);
static bool metadata_write(EventWriter *writer, Datum value);
static bool seal_write(EventWriter *writer, Datum value);

#define FIELD_NAMED(name) name, ",\"" name "\":", sizeof(",\"" name "\":") - 1
#define FIELD_REQUIRED	  false
#define FIELD_NULLABLE	  true

static const EventField event_fields[] = {
	{FIELD_NAMED("event_id"), event_id_write, SOURCE_KEY, 0, FIELD_REQUIRED},
	{FIELD_NAMED("event_type"), event_type_write, SOURCE_ROW, LEDGER_KIND, FIELD_REQUIRED},
	{FIELD_NAMED("transaction_id"), uuid_write, SOURCE_ROW, LEDGER_TRANSACTION_ID, FIELD_REQUIRED},
	{FIELD_NAMED("wallet_id"), uuid_write, SOURCE_SIDE, SIDE_WALLET_ID, FIELD_REQUIRED},
	{FIELD_NAMED("user_id"), text_write, SOURCE_SIDE, SIDE_USER_ID, FIELD_REQUIRED},
	{FIELD_NAMED("version"), version_write, SOURCE_SIDE, SIDE_VERSION, FIELD_REQUIRED},
	{FIELD_NAMED("amount"), amount_write, SOURCE_ROW, LEDGER_AMOUNT, FIELD_REQUIRED},
	{FIELD_NAMED("balance"), amount_write, SOURCE_SIDE, SIDE_BALANCE, FIELD_REQUIRED},
	{FIELD_NAMED("held"), amount_write, SOURCE_SIDE, SIDE_HELD, FIELD_REQUIRED},
	{FIELD_NAMED("currency"), text_write, SOURCE_ROW, LEDGER_CURRENCY, FIELD_REQUIRED},
	{FIELD_NAMED("counterparty_wallet_id"), uuid_write, SOURCE_OTHER_SIDE, SIDE_WALLET_ID,
	 FIELD_NULLABLE},
	{FIELD_NAMED("hold_id"), uuid_write, SOURCE_ROW, LEDGER_HOLD_ID, FIELD_NULLABLE},
	{FIELD_NAMED("created_at"), time_write, SOURCE_ROW, LEDGER_CREATED_AT, FIELD_REQUIRED},
	{FIELD_NAMED("metadata"), metadata_write, SOURCE_ROW, LEDGER_METADATA, FIELD_NULLABLE},
	{FIELD_NAMED("status"), text_write, SOURCE_SIDE, SIDE_STATUS, FIELD_REQUIRED},
	{FIELD_NAMED("credit_limit"), amount_write, SOURCE_ROW, LEDGER_CREDIT_LIMIT, FIELD_NULLABLE},
	{FIELD_NAMED("max_balance"), amount_write, SOURCE_ROW, LEDGER_MAX_BALANCE, FIELD_NULLABLE},
	{FIELD_NAMED("expires_at"), time_write, SOURCE_ROW, LEDGER_EXPIRES_AT, FIELD_NULLABLE},
	{FIELD_NAMED("reverses"), uuid_write, SOURCE_ROW, LEDGER_REVERSES, FIELD_NULLABLE},
	{FIELD_NAMED("seal"), seal_write, SOURCE_SIDE, SIDE_SEAL, FIELD_NULLABLE},
};

/* Kinds whose entries tell the sides apart by name. */
static const char *const sided_kinds[] = {"TRANSFER", "CAPTURE", "REVERSAL"};

static void
event_make_room(EventWriter *writer, size_t bytes)
{
	writer->out->len = (int) (writer->at - writer->out->data);
	enlargeStringInfo(writer->out, (int) bytes);
	writer->at = writer->out->data + writer->out->len;
}

/* The cursor after a put function, NULL where it refused. */
static bool
event_advance(EventWriter *writer, char *at, const char *failure)
{
	if (at == NULL)
	{
		writer->failure = failure;
		return false;
	}
	writer->at = at;
	return true;
}

static bool
event_id_write(EventWriter *writer, Datum unused)
{
	if (writer->key->event_id[0] == EVENT_ID_UNKNOWN[0])
		return event_advance(writer, NULL, "needs the wallet's id and version");

	*writer->at++ = '"';
	writer->at = bytes_put(writer->at, writer->key->event_id, WALLET_UUID_TEXT_BYTES);
	*writer->at++ = '"';
	return true;
}

/* A varlena can be read unless its bytes are only in a table that decoding doesn't see. */
static bool
varlena_is_readable(EventWriter *writer, Datum value)
{
	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		return true;
	writer->failure = "is not in the WAL";
	return false;
}

static bool
text_write(EventWriter *writer, Datum value)
{
	if (!varlena_is_readable(writer, value))
		return false;
	if (toast_raw_datum_size(value) > TEXT_BYTES_MAX + VARHDRSZ)
		return event_advance(writer, NULL, "is longer than " CppAsString2(TEXT_BYTES_MAX) " bytes");

	const text *content = DatumGetTextPP(value);
	size_t bytes = VARSIZE_ANY_EXHDR(content);

	event_make_room(writer, bytes * STRING_ESCAPE_BYTES + lengthof(event_fields) * FIELD_BYTES_MAX);
	writer->at = string_put(writer->at, VARDATA_ANY(content), bytes);
	return true;
}

/* The ledger row's kind, with the direction where the row has one. */
static bool
event_type_write(EventWriter *writer, Datum value)
{
	ptrdiff_t kind_at = writer->at + 1 - writer->out->data;

	if (!text_write(writer, value))
		return false;

	const char *kind = writer->out->data + kind_at;
	size_t kind_bytes = writer->at - 1 - kind;

	for (int index = 0; index < lengthof(sided_kinds); index++)
	{
		if (strlen(sided_kinds[index]) != kind_bytes ||
			memcmp(sided_kinds[index], kind, kind_bytes) != 0)
			continue;
		writer->at--; /* over the closing quote */
		writer->at = writer->side == LEDGER_FROM ? LITERAL_PUT(writer->at, "_OUT\"")
												 : LITERAL_PUT(writer->at, "_IN\"");
		break;
	}
	return true;
}

static bool
uuid_write(EventWriter *writer, Datum value)
{
	*writer->at++ = '"';
	writer->at = uuid_put(writer->at, DatumGetUUIDP(value)->data);
	*writer->at++ = '"';
	return true;
}

static bool
version_write(EventWriter *writer, Datum value)
{
	writer->at += pg_lltoa(DatumGetInt64(value), writer->at);
	return true;
}

static bool
amount_write(EventWriter *writer, Datum value)
{
	*writer->at++ = '"';
	if (!event_advance(writer, amount_put(writer->at, value),
					   "is not an amount of at most 15 digits and 4 decimals"))
		return false;
	*writer->at++ = '"';
	return true;
}

static bool
time_write(EventWriter *writer, Datum value)
{
	*writer->at++ = '"';
	if (!event_advance(writer, time_put(writer->at, DatumGetTimestampTz(value)),
					   "is not a time of the years 1 to 9999"))
		return false;
	*writer->at++ = '"';
	return true;
}

static bool
metadata_write(EventWriter *writer, Datum value)
{
	if (!varlena_is_readable(writer, value))
		return false;

	/* The end of the event is bounded, so that a size within this leaves room for it. */
	size_t bytes_max = writer->start + WALLET_EVENT_JSON_BYTES_MAX;

	event_make_room(writer, 0);
	if (!jsonb_append(writer->out, DatumGetJsonbP(value), bytes_max))
		return event_advance(writer, NULL, "makes the event too long");
	writer->at = writer->out->data + writer->out->len;
	event_make_room(writer, lengthof(event_fields) * FIELD_BYTES_MAX);
	return true;
}

/* In hexadecimal. */
static bool
seal_write(EventWriter *writer, Datum value)
{
	if (!varlena_is_readable(writer, value))
		return false;

	const bytea *seal = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(seal) != SEAL_BYTES)
		return event_advance(writer, NULL, "is not a SHA-256");
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
	Datum value = (Datum) 0;

	writer->at = bytes_put(writer->at, field->prefix, field->prefix_bytes);
	if (field->source == SOURCE_KEY ||
		ledger_row_get(writer->row, field_find_column(field, writer->side), &value))
		return field->write(writer, value);
	if (!field->is_nullable)
		return event_advance(writer, NULL, "is NULL");
	writer->at = LITERAL_PUT(writer->at, "null");
	return true;
}

/* Undoes what was written and says why. */
static bool
event_refuse(EventWriter *writer, const char *field_name, EventError *error)
{
	writer->out->len = writer->start;
	writer->out->data[writer->start] = '\0';
	if (writer->row->columns->mistyped != NULL)
		snprintf(error->reason, sizeof(error->reason),
				 "column \"%s\" of the ledger has an unexpected type",
				 writer->row->columns->mistyped);
	else
		snprintf(error->reason, sizeof(error->reason), "%s %s", field_name, writer->failure);
	return false;
}

bool
event_write(StringInfo out, const LedgerRow *row, LedgerSide side, const EventKey *key,
			EventError *error)
{
	EventWriter writer = {.out = out,
						  .start = out->len,
						  .at = out->data + out->len,
						  .row = row,
						  .side = side,
						  .key = key};

	if (row->columns->mistyped != NULL)
		return event_refuse(&writer, NULL, error);

	event_make_room(&writer, lengthof(event_fields) * FIELD_BYTES_MAX);
	for (int index = 0; index < lengthof(event_fields); index++)
	{
		if (!field_write(&writer, &event_fields[index]))
			return event_refuse(&writer, event_fields[index].name, error);
		Assert(writer.at <= out->data + out->maxlen);
	}
	*writer.at++ = '}';
	*writer.at = '\0';
	out->len = (int) (writer.at - out->data);
	out->data[writer.start] = '{'; /* in place of the first field's comma */

	if (out->len - writer.start > WALLET_EVENT_JSON_BYTES_MAX)
	{
		writer.failure = "is too long";
		return event_refuse(&writer, "event", error);
	}
	return true;
}

void
event_key_make(EventKey *key, const LedgerRow *row, LedgerSide side)
{
	Datum wallet_id;
	Datum version;
	Datum created_at;

	memcpy(key->wallet_id, EVENT_ID_UNKNOWN, sizeof(key->wallet_id));
	memcpy(key->event_id, EVENT_ID_UNKNOWN, sizeof(key->event_id));
	key->created_at = 0;

	if (ledger_row_get(row, LEDGER_CREATED_AT, &created_at) &&
		time_is_in_range(DatumGetTimestampTz(created_at)))
		key->created_at = DatumGetTimestampTz(created_at) + UNIX_EPOCH_OFFSET;
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
