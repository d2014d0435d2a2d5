/*
 * json_writer.h
 *		Writes the values of a JSON object at a cursor, with room made beforehand.
 *
 * Call order: json_writer_open, then values and literals at the cursor, then json_writer_close, or
 * json_writer_drop where a value was refused. Everything of bounded length has room from the start;
 * a text makes its own. Nothing here raises because of data.
 */
#pragma once

#include "postgres.h"

#include "json_value.h"
#include "lib/stringinfo.h"

/* Name, quotes and any value but a text or metadata. */
#define FIELD_BYTES_MAX 80

typedef struct JsonWriter
{
	StringInfo out;
	int start;			 /* of the object in the buffer */
	char *at;			 /* the cursor; out->len follows it only in json_make_room and at the end */
	size_t bounded_room; /* for all fields of bounded length */
	const char *failure; /* what is wrong with the value being written */
} JsonWriter;

/* Writes a value at the cursor; false with the writer's failure set. */
typedef bool (*ValueWriter)(JsonWriter *writer, Datum value);

extern void json_writer_open(JsonWriter *writer, StringInfo out, int field_count);

/* Ends the object; false with the failure set where it is longer than a frame's may be. */
extern bool json_writer_close(JsonWriter *writer);

/* The buffer as it was. */
extern void json_writer_drop(JsonWriter *writer);

extern void json_make_room(JsonWriter *writer, size_t bytes);

/* The cursor after a put function, NULL where it refused. */
static inline bool
json_advance(JsonWriter *writer, char *at, const char *failure)
{
	if (at == NULL)
	{
		writer->failure = failure;
		return false;
	}
	writer->at = at;
	return true;
}

/* Whether a varlena's bytes are there: not, where they are only in a table decoding doesn't see. */
extern bool json_varlena_is_readable(JsonWriter *writer, Datum value);

extern bool json_text_write(JsonWriter *writer, Datum value);
extern bool json_uuid_write(JsonWriter *writer, Datum value);
extern bool json_amount_write(JsonWriter *writer, Datum value);
extern bool json_time_write(JsonWriter *writer, Datum value);
extern bool json_metadata_write(JsonWriter *writer, Datum value);
