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
#define COLUMN_VERSION	1 /* or cursor */
#define COLUMN_ID		0
#define COLUMN_REPLAYED 1

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

/* A row more than was asked for tells that there is a next page, and where it begins. */
static void
page_print(FILE *out, const EndpointValues *values, const PGresult *read)
{
	int asked = atoi(values->items[values->count - 1]) - 1;
	int shown = PQntuples(read) > asked ? asked : PQntuples(read);

	fputs("{\"items\":[", out);
	rows_print(out, read, shown);
	if (shown < PQntuples(read))
		fprintf(out, "],\"next\":\"%s\"}", PQgetvalue(read, shown - 1, COLUMN_VERSION));
	else
		fputs("],\"next\":null}", out);
}

static void
items_answer(const Endpoint *endpoint, const EndpointValues *values, const PGresult *read,
			 HttpResponse *response)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = NULL;

	if (PQntuples(read) > ENDPOINT_ROWS_MAX)
	{
		problem_from_code(response, PG_INVALID_PARAMETER,
						  "more than 10000 items: ask for a part, as with since and until");
		return;
	}
	out = open_memstream(&text, &bytes);
	if (out != NULL && endpoint->answer == ANSWER_PAGE)
		page_print(out, values, read);
	else if (out != NULL)
	{
		if (endpoint->answer == ANSWER_RECEIPT)
			fprintf(out, "{\"transaction_id\":\"%s\",\"items\":[", values->items[0]);
		else
			fputs("{\"items\":[", out);
		rows_print(out, read, PQntuples(read));
		fputs("]}", out);
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
			fprintf(out, "{\"transaction_id\":\"%s\",\"wallet\":", PQgetvalue(call, 0, COLUMN_ID));
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
		if (endpoint->missing_code != NULL)
			problem_from_code(response, endpoint->missing_code, "there is no such operation");
		else
			http_response_problem(response, 404, "there is no such operation");
		return;
	}
	if (endpoint->answer == ANSWER_ONE || endpoint->answer == ANSWER_CREATED ||
		endpoint->answer == ANSWER_OPERATION)
		row_answer(endpoint, call, read, response);
	else
		items_answer(endpoint, values, read, response);
	if (call != NULL)
		call_show(endpoint, call, response);
}
