/*
 * transit_writer.c
 *		The only writer of the field names of transits' messages: one table, in their order.
 */
#include "transit_writer.h"

#include "json_writer.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
#include "wallet_event.h"

#define STATE_CANCELLING "cancelling"

/* In which messages a field has a value; elsewhere it is null, or absent where it never has one. */
#define IN_SEND	  (1 << TRANSIT_SEND)
#define IN_CANCEL (1 << TRANSIT_CANCEL)
#define IN_ANSWER (1 << TRANSIT_ANSWER)
#define IN_ALL	  (IN_SEND | IN_CANCEL | IN_ANSWER)

typedef struct TransitField
{
	const char *name;
	ValueWriter write;
	TransitColumn column;
	int present;  /* in these messages the field stands */
	int valued;	  /* in these it has the column's value, else null */
	int required; /* in these it must have one */
} TransitField;

/* An UPDATE need not carry long metadata that it did not change, and only a credit needs it. */
static const TransitField transit_fields[] = {
	{"transit_id", json_uuid_write, TRANSIT_ID, IN_ALL, IN_ALL, IN_ALL},
	{"from_wallet_id", json_uuid_write, TRANSIT_FROM, IN_ALL, IN_ALL, IN_ALL},
	{"to_wallet_id", json_uuid_write, TRANSIT_TO, IN_ALL, IN_ALL, IN_ALL},
	{"amount", json_amount_write, TRANSIT_AMOUNT, IN_ALL, IN_ALL, IN_ALL},
	{"currency", json_text_write, TRANSIT_CURRENCY, IN_ALL, IN_ALL, IN_ALL},
	{"metadata", json_metadata_write, TRANSIT_METADATA, IN_ALL, IN_SEND, 0},
	{"created_at", json_time_write, TRANSIT_CREATED_AT, IN_SEND | IN_CANCEL, IN_ALL,
	 IN_SEND | IN_CANCEL},
	{"created_at", json_time_write, TRANSIT_RECEIVED_AT, IN_ANSWER, IN_ALL, IN_ANSWER},
	{"outcome", json_text_write, TRANSIT_OUTCOME, IN_ANSWER, IN_ALL, IN_ANSWER},
	{"reason", json_text_write, TRANSIT_REASON, IN_ANSWER, IN_ALL, 0},
	{"detail", json_text_write, TRANSIT_DETAIL, IN_ANSWER, IN_ALL, 0},
};

static const char *const message_names[] = {
	[TRANSIT_SEND] = ",\"message\":\"send\"",
	[TRANSIT_CANCEL] = ",\"message\":\"cancel\"",
	[TRANSIT_ANSWER] = ",\"message\":\"answer\"",
};

TransitMessage
transit_message_of_update(const TransitRow *row)
{
	Datum state;

	if (!transit_row_get(row, TRANSIT_STATE, &state))
		return TRANSIT_NO_MESSAGE;

	const text *content = DatumGetTextPP(state);
	bool is_cancel = VARSIZE_ANY_EXHDR(content) == strlen(STATE_CANCELLING) &&
					 memcmp(VARDATA_ANY(content), STATE_CANCELLING, strlen(STATE_CANCELLING)) == 0;

	return is_cancel ? TRANSIT_CANCEL : TRANSIT_NO_MESSAGE;
}

EventKey
transit_key_make(const TransitRow *row, TransitMessage message)
{
	EventKey key = event_key_unknown();
	bool is_answer = message == TRANSIT_ANSWER;
	Datum value;

	if (transit_row_get(row, is_answer ? TRANSIT_FROM : TRANSIT_TO, &value))
		uuid_put(key.wallet_id, DatumGetUUIDP(value)->data);
	if (transit_row_get(row, TRANSIT_ID, &value))
		uuid_put(key.event_id, DatumGetUUIDP(value)->data);
	if (transit_row_get(row, is_answer ? TRANSIT_RECEIVED_AT : TRANSIT_CREATED_AT, &value))
		key.created_at = event_time_make(DatumGetTimestampTz(value));
	return key;
}

static bool
field_write(JsonWriter *writer, const TransitField *field, const TransitRow *row, int message)
{
	Datum value;

	if ((field->present & message) == 0)
		return true;
	*writer->at++ = ',';
	writer->at = string_put(writer->at, field->name, strlen(field->name));
	*writer->at++ = ':';
	if ((field->valued & message) != 0 && transit_row_get(row, field->column, &value))
		return field->write(writer, value);
	if ((field->required & message) != 0)
		return json_advance(writer, NULL, "is NULL");
	writer->at = LITERAL_PUT(writer->at, "null");
	return true;
}

bool
transit_write(StringInfo out, const TransitRow *row, TransitMessage message, EventError *error)
{
	JsonWriter writer;
	const char *name = message_names[message];

	if (row->columns->mistyped != NULL)
	{
		snprintf(error->reason, sizeof(error->reason),
				 "column \"%s\" of a transit has an unexpected type", row->columns->mistyped);
		return false;
	}
	json_writer_open(&writer, out, lengthof(transit_fields) + 1);
	writer.at = bytes_put(writer.at, name, strlen(name));
	for (int index = 0; index < lengthof(transit_fields); index++)
	{
		if (field_write(&writer, &transit_fields[index], row, 1 << message))
			continue;
		json_writer_drop(&writer);
		snprintf(error->reason, sizeof(error->reason), "%s of a transit %s",
				 transit_fields[index].name, writer.failure);
		return false;
	}
	if (json_writer_close(&writer))
		return true;
	json_writer_drop(&writer);
	snprintf(error->reason, sizeof(error->reason), "transit %s", writer.failure);
	return false;
}
