/*
 * answer.c
 *		PostgreSQL has written the JSON of each row; here it is only put together.
 */
#include "endpoint/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/problem.h"

#define JSON_TYPE		"application/json"
#define COLUMN_JSON		0
#define COLUMN_VERSION	1
#define COLUMN_CURSOR	1
#define COLUMN_ID		0
#define COLUMN_REPLAYED 1
#define COLUMN_ENTRY	2

static void
answer_take(HttpResponse *response, unsigned status, FILE *out, char **text, const size_t *bytes)
{
	if (out == NULL || fclose(out) != 0)
	{
		free(*text);
		*text = NULL;
	}
	http_response_take(response, status, JSON_TYPE, *text, *text != NULL ? *bytes : 0);
}

static void
rows_print(FILE *out, const PGresult *read, int count)
{
	for (int row = 0; row < count; row++)
	{
		if (row > 0)
			fputc(',', out);
		fwrite(PQgetvalue(read, row, COLUMN_JSON), 1, (size_t) PQgetlength(read, row, COLUMN_JSON),
			   out);
	}
}

/* How many rows of a page are shown, and what the next one begins with; NULL on the last page. */
static int
page_measure(const Endpoint *endpoint, const EndpointValues *values, const PGresult *read,
			 const char **next)
{
	int count = PQntuples(read);
	int most = endpoint->next_in_row	 ? count
			   : endpoint->page_rows > 0 ? endpoint->page_rows
										 : atoi(values->items[values->count - 1]) - 1;
	int shown = count > most ? most : count;
	bool has_next = endpoint->next_in_row
						? count > 0 && !PQgetisnull(read, count - 1, COLUMN_CURSOR)
						: count > most;

	*next = has_next ? PQgetvalue(read, shown - 1, COLUMN_CURSOR) : NULL;
	return shown;
}

static void
page_print(FILE *out, const Endpoint *endpoint, const EndpointValues *values, const PGresult *read)
{
	const char *next = NULL;
	int shown = page_measure(endpoint, values, read, &next);

	fputs("\"items\":[", out);
	rows_print(out, read, shown);
	if (next != NULL)
		fprintf(out, "],\"next\":\"%s\"}", next);
	else
		fputs("],\"next\":null}", out);
}

static void
items_answer(const Endpoint *endpoint, const EndpointValues *values, const PGresult *call,
			 const PGresult *read, HttpResponse *response)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (out != NULL && endpoint->answer == ANSWER_ITEMS)
	{
		fputs("{\"items\":[", out);
		rows_print(out, read, PQntuples(read));
		fputs("]}", out);
	}
	else if (out != NULL)
	{
		fputc('{', out);
		if (endpoint->answer == ANSWER_RECEIPT)
			fprintf(out, "\"transaction_id\":\"%s\",",
					call != NULL ? PQgetvalue(call, 0, COLUMN_ID) : values->items[0]);
		page_print(out, endpoint, values, read);
	}
	answer_take(response, 200, out, &text, &bytes);
}

static void
version_show(const PGresult *read, HttpResponse *response)
{
	char tag[32];

	if (PQgetisnull(read, 0, COLUMN_VERSION))
		return;
	snprintf(tag, sizeof(tag), "\"%s\"", PQgetvalue(read, 0, COLUMN_VERSION));
	http_response_header(response, "ETag", tag);
}

static void
row_answer(const Endpoint *endpoint, const PGresult *call, const PGresult *read,
		   HttpResponse *response)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	bool is_operation = endpoint->answer == ANSWER_OPERATION;

	if (out != NULL)
	{
		if (is_operation)
			fprintf(out, "{\"transaction_id\":\"%s\",\"entry\":%s,\"wallet\":",
					PQgetvalue(call, 0, COLUMN_ID), PQgetvalue(call, 0, COLUMN_ENTRY));
		rows_print(out, read, 1);
		if (is_operation)
			fputc('}', out);
	}
	answer_take(response, endpoint->answer == ANSWER_CREATED ? 201 : 200, out, &text, &bytes);
	version_show(read, response);
}

static void
call_show(const Endpoint *endpoint, const PGresult *call, HttpResponse *response)
{
	char path[128];

	if (PQgetvalue(call, 0, COLUMN_REPLAYED)[0] == 't')
		http_response_header(response, "Idempotency-Replayed", "true");
	if (endpoint->answer != ANSWER_CREATED)
		return;
	snprintf(path, sizeof(path), "%s%s", endpoint->location, PQgetvalue(call, 0, COLUMN_ID));
	http_response_header(response, "Location", path);
}

void
endpoint_answer_fill(const Endpoint *endpoint, const EndpointValues *values, const PGresult *call,
					 const PGresult *read, HttpResponse *response)
{
	bool needs_row = endpoint->answer != ANSWER_ITEMS && endpoint->answer != ANSWER_PAGE;

	if (needs_row && PQntuples(read) == 0)
	{
		problem_from_code(response, endpoint->missing_code, endpoint->missing_detail);
		return;
	}
	if (endpoint->answer == ANSWER_ONE || endpoint->answer == ANSWER_CREATED ||
		endpoint->answer == ANSWER_OPERATION)
		row_answer(endpoint, call, read, response);
	else
		items_answer(endpoint, values, call, read, response);
	if (call != NULL)
		call_show(endpoint, call, response);
}
