/*
 * answer.c
 *		PostgreSQL has written the JSON of each row; here it is only put together.
 */
#include "endpoint/answer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint/problem.h"

#define JSON_TYPE "application/json"

static void
rows_answer(HttpResponse *response, unsigned status, EndpointRows *rows, const char *before,
			const char *after)
{
	size_t bytes = 0;
	char *text = endpoint_rows_take(rows, before, after, &bytes);

	http_response_take(response, status, JSON_TYPE, text, bytes);
}

int
endpoint_rows_most(const Endpoint *endpoint, const EndpointValues *values)
{
	if (endpoint->answer == ANSWER_ITEMS || endpoint->next_in_row)
		return INT_MAX;
	if (endpoint->answer != ANSWER_PAGE && endpoint->answer != ANSWER_RECEIPT)
		return 1;
	return endpoint->page_rows > 0 ? endpoint->page_rows
								   : atoi(values->items[values->count - 1]) - 1;
}

static void
items_answer(const Endpoint *endpoint, const EndpointValues *values, const EndpointCall *call,
			 EndpointRows *rows, HttpResponse *response)
{
	bool has_next = endpoint->next_in_row ? rows->has_cursor : rows->has_more;
	char before[128] = "{\"items\":[";
	char after[ENDPOINT_CURSOR_BYTES + 32] = "]}";

	if (endpoint->answer == ANSWER_RECEIPT)
		snprintf(before, sizeof(before), "{\"transaction_id\":\"%s\",\"items\":[",
				 call != NULL ? call->id : values->items[0]);
	if (endpoint->answer != ANSWER_ITEMS)
		snprintf(after, sizeof(after), has_next ? "],\"next\":\"%s\"}" : "],\"next\":null}",
				 rows->cursor);
	rows_answer(response, 200, rows, before, after);
}

static void
version_show(const EndpointRows *rows, HttpResponse *response)
{
	char tag[ENDPOINT_CURSOR_BYTES + 2];

	if (!rows->has_cursor)
		return;
	snprintf(tag, sizeof(tag), "\"%s\"", rows->cursor);
	http_response_header(response, "ETag", tag);
}

static void
row_answer(const Endpoint *endpoint, const EndpointCall *call, EndpointRows *rows,
		   HttpResponse *response)
{
	char *before = NULL;

	if (endpoint->answer != ANSWER_OPERATION)
		rows_answer(response, endpoint->answer == ANSWER_CREATED ? 201 : 200, rows, "", "");
	else if (asprintf(&before, "{\"transaction_id\":\"%s\",\"entry\":%s,\"wallet\":", call->id,
					  call->entry) >= 0)
	{
		rows_answer(response, 200, rows, before, "}");
		free(before);
	}
	version_show(rows, response);
}

static void
call_show(const Endpoint *endpoint, const EndpointCall *call, HttpResponse *response)
{
	char path[128];

	if (call->is_replayed)
		http_response_header(response, "Idempotency-Replayed", "true");
	if (endpoint->answer != ANSWER_CREATED)
		return;
	snprintf(path, sizeof(path), "%s%s", endpoint->location, call->id);
	http_response_header(response, "Location", path);
}

void
endpoint_answer_fill(const Endpoint *endpoint, const EndpointValues *values,
					 const EndpointCall *call, EndpointRows *rows, HttpResponse *response)
{
	bool needs_row = endpoint->answer != ANSWER_ITEMS && endpoint->answer != ANSWER_PAGE;

	if (rows->is_refused)
	{
		problem_unavailable(response, "too many large answers at once: ask for fewer items, or "
									  "again in a moment");
		return;
	}
	if (needs_row && rows->shown == 0)
	{
		problem_from_code(response, endpoint->missing_code, endpoint->missing_detail);
		return;
	}
	if (endpoint->answer == ANSWER_ONE || endpoint->answer == ANSWER_CREATED ||
		endpoint->answer == ANSWER_OPERATION)
		row_answer(endpoint, call, rows, response);
	else
		items_answer(endpoint, values, call, rows, response);
	if (call != NULL)
		call_show(endpoint, call, response);
}
