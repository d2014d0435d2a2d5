/*
 * rows.c
 *		A buffer whose room is asked for before it grows.
 */
#include "endpoint/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREE_BYTES	   (64 * 1024) /* of an answer that need not be asked for */
#define GROW_BYTES_MAX (1024 * 1024)
/*
 * A larger answer asks for so much at once, so that a few get all that they need rather than many a
 * part of it; what it did not need is given back.
 */
#define LARGE_BYTES (256 * 1024)
#define BLOCK_BYTES (12 * 1024 * 1024)
#define FRAME_BYTES 512 /* of what stands around the rows */

void
endpoint_rows_begin(EndpointRows *rows, HttpRequest *request, int most, bool must_answer)
{
	*rows = (EndpointRows){.request = request, .most = most, .must_answer = must_answer};
}

void
endpoint_rows_free(EndpointRows *rows)
{
	free(rows->json);
	rows->json = NULL;
}

/* Room for so many bytes more; asked for in steps, for many answers grow at once. */
static bool
rows_make_room(EndpointRows *rows, size_t more)
{
	size_t needed = rows->bytes + more + FRAME_BYTES;

	if (needed <= rows->room)
		return true;

	size_t spare = needed < GROW_BYTES_MAX ? needed : GROW_BYTES_MAX;
	size_t room = needed + spare;

	if (room > FREE_BYTES && room > rows->granted)
	{
		size_t wanted =
			room > LARGE_BYTES && room < BLOCK_BYTES && !rows->must_answer ? BLOCK_BYTES : room;

		if (!http_request_grant(rows->request, wanted - rows->granted) && !rows->must_answer)
			return false;
		rows->granted = wanted;
	}

	char *json = realloc(rows->json, room);

	if (json == NULL)
		return false;
	rows->json = json;
	rows->room = room;
	return true;
}

void
endpoint_rows_restart(EndpointRows *rows)
{
	rows->bytes = 0;
	rows->shown = 0;
	rows->has_more = false;
	rows->is_refused = false;
	rows->has_cursor = false;
}

static void
cursor_keep(EndpointRows *rows, const PGresult *row, int column)
{
	rows->has_cursor = PQnfields(row) > column && !PQgetisnull(row, 0, column);
	snprintf(rows->cursor, sizeof(rows->cursor), "%s",
			 rows->has_cursor ? PQgetvalue(row, 0, column) : "");
}

/* Its memory is free for the others at once, so that one of them gets through. */
static void
rows_refuse(EndpointRows *rows)
{
	rows->is_refused = true;
	free(rows->json);
	rows->json = NULL;
	rows->room = 0;
	rows->granted = 0;
	http_request_grants_end(rows->request);
}

bool
endpoint_rows_add(EndpointRows *rows, const PGresult *row, int column)
{
	size_t bytes = (size_t) PQgetlength(row, 0, column);

	if (rows->shown == rows->most)
	{
		rows->has_more = true;
		return false;
	}
	if (!rows_make_room(rows, bytes + 1))
	{
		rows_refuse(rows);
		return false;
	}
	if (rows->shown > 0)
		rows->json[rows->bytes++] = ',';
	memcpy(rows->json + rows->bytes, PQgetvalue(row, 0, column), bytes);
	rows->bytes += bytes;
	rows->shown++;
	cursor_keep(rows, row, column + 1);
	return true;
}

static void
sink_begin(void *context)
{
	endpoint_rows_restart(context);
}

static bool
sink_take(void *context, const PGresult *row)
{
	return endpoint_rows_add(context, row, 0);
}

PgRowSink
endpoint_rows_sink(EndpointRows *rows)
{
	return (PgRowSink){sink_begin, sink_take, rows};
}

char *
endpoint_rows_take(EndpointRows *rows, const char *before, const char *after, size_t *bytes)
{
	size_t head = strlen(before);
	size_t tail = strlen(after);

	if (!rows_make_room(rows, head + tail + 1))
		return NULL;
	/* In its place: a second copy would be twice the memory. */
	memmove(rows->json + head, rows->json, rows->bytes);
	memcpy(rows->json, before, head);
	memcpy(rows->json + head + rows->bytes, after, tail + 1);
	*bytes = head + rows->bytes + tail;

	char *json = rows->json;

	if (rows->granted > rows->room)
		http_request_grant_return(rows->request, rows->granted - rows->room);
	rows->json = NULL;
	return json;
}
