/*
 * json_writer.c
 *		Writes the values of a JSON object at a cursor, with room made beforehand.
 */
#include "json_writer.h"

#include "access/detoast.h"
#include "utils/timestamp.h"
#include "wallet_event.h"

/* Far above what any function of the wallet lets in; escaped it still fits a frame. */
#define TEXT_BYTES_MAX 1048576

void
json_make_room(JsonWriter *writer, size_t bytes)
{
	writer->out->len = (int) (writer->at - writer->out->data);
	enlargeStringInfo(writer->out, (int) bytes);
	writer->at = writer->out->data + writer->out->len;
}

bool
json_varlena_is_readable(JsonWriter *writer, Datum value)
{
	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		return true;
	writer->failure = "is not in the WAL";
	return false;
}

bool
json_text_write(JsonWriter *writer, Datum value)
{
	if (!json_varlena_is_readable(writer, value))
		return false;
	if (toast_raw_datum_size(value) > TEXT_BYTES_MAX + VARHDRSZ)
		return json_advance(writer, NULL, "is longer than " CppAsString2(TEXT_BYTES_MAX) " bytes");

	const text *content = DatumGetTextPP(value);
	size_t bytes = VARSIZE_ANY_EXHDR(content);

	json_make_room(writer, bytes * STRING_ESCAPE_BYTES + writer->bounded_room);
	writer->at = string_put(writer->at, VARDATA_ANY(content), bytes);
	return true;
}

bool
json_uuid_write(JsonWriter *writer, Datum value)
{
	*writer->at++ = '"';
	writer->at = uuid_put(writer->at, DatumGetUUIDP(value)->data);
	*writer->at++ = '"';
	return true;
}

bool
json_amount_write(JsonWriter *writer, Datum value)
{
	*writer->at++ = '"';
	if (!json_advance(writer, amount_put(writer->at, value),
					  "is not an amount of at most 15 digits and 4 decimals"))
		return false;
	*writer->at++ = '"';
	return true;
}

bool
json_time_write(JsonWriter *writer, Datum value)
{
	*writer->at++ = '"';
	if (!json_advance(writer, time_put(writer->at, DatumGetTimestampTz(value)),
					  "is not a time of the years 1 to 9999"))
		return false;
	*writer->at++ = '"';
	return true;
}

bool
json_metadata_write(JsonWriter *writer, Datum value)
{
	if (!json_varlena_is_readable(writer, value))
		return false;

	/* The end of the event is bounded, so that a size within this leaves room for it. */
	size_t bytes_max = writer->start + WALLET_EVENT_JSON_BYTES_MAX;

	json_make_room(writer, 0);
	if (!jsonb_append(writer->out, DatumGetJsonbP(value), bytes_max))
		return json_advance(writer, NULL, "makes the event too long");
	writer->at = writer->out->data + writer->out->len;
	json_make_room(writer, writer->bounded_room);
	return true;
}

void
json_writer_open(JsonWriter *writer, StringInfo out, int field_count)
{
	*writer = (JsonWriter){.out = out,
						   .start = out->len,
						   .at = out->data + out->len,
						   .bounded_room = (size_t) field_count * FIELD_BYTES_MAX};
	json_make_room(writer, writer->bounded_room);
}

bool
json_writer_close(JsonWriter *writer)
{
	StringInfo out = writer->out;

	*writer->at++ = '}';
	*writer->at = '\0';
	out->len = (int) (writer->at - out->data);
	out->data[writer->start] = '{'; /* in place of the first field's comma */
	if (out->len - writer->start <= WALLET_EVENT_JSON_BYTES_MAX)
		return true;
	writer->failure = "is too long";
	return false;
}

void
json_writer_drop(JsonWriter *writer)
{
	writer->out->len = writer->start;
	writer->out->data[writer->start] = '\0';
}
