/*
 * response.c
 *		Fills and sends one response. A failed allocation becomes a bare 500.
 */
#include "http/response.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"

void
http_response_clear(HttpResponse *response)
{
	if (response->body_is_owned)
		free((char *) response->body);
	if (response->message != NULL)
		MHD_destroy_response(response->message);
	for (size_t i = 0; i < response->header_count; i++)
	{
		free(response->headers[i].name);
		free(response->headers[i].value);
	}
	*response = (HttpResponse){0};
}

static void
body_set(HttpResponse *response, unsigned status, const char *content_type, const char *body,
		 size_t bytes, bool is_owned)
{
	if (response->body_is_owned)
		free((char *) response->body);
	response->status = status;
	response->content_type = content_type;
	response->body = body;
	response->bytes = bytes;
	response->body_is_owned = is_owned;
}

void
http_response_take(HttpResponse *response, unsigned status, const char *content_type, char *body,
				   size_t bytes)
{
	if (body == NULL)
		http_response_problem(response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
	else
		body_set(response, status, content_type, body, bytes, true);
}

void
http_response_static(HttpResponse *response, unsigned status, const char *content_type,
					 const char *body, size_t bytes)
{
	body_set(response, status, content_type, body, bytes, false);
}

void
http_response_text(HttpResponse *response, unsigned status, const char *content_type,
				   const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		response->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	else
		http_response_take(response, status, content_type, copy, strlen(copy));
}

/* The code of a problem that has none from SQL. */
static const char *
status_code_name(unsigned status)
{
	static const struct
	{
		unsigned status;
		const char *name;
	} names[] = {
		{MHD_HTTP_BAD_REQUEST, "malformed_request"},
		{MHD_HTTP_UNAUTHORIZED, "token_needed"},
		{MHD_HTTP_FORBIDDEN, "scope_missing"},
		{MHD_HTTP_NOT_FOUND, "path_unknown"},
		{MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed"},
		{MHD_HTTP_CONTENT_TOO_LARGE, "body_too_large"},
		{MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "content_type_unsupported"},
		{MHD_HTTP_MISDIRECTED_REQUEST, "host_unknown"},
		{MHD_HTTP_NOT_IMPLEMENTED, "encoding_unsupported"},
		{MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].status == status)
			return names[i].name;
	return "internal_error";
}

/* Which problem it is, for programs; and which request, for people. */
static void
problem_name(HttpResponse *response, unsigned status, json_t *problem)
{
	const char *code = json_string_value(json_object_get(problem, "code"));

	if (code == NULL)
	{
		code = status_code_name(status);
		json_object_set_new(problem, "code", json_string(code));
	}
	snprintf(response->code, sizeof(response->code), "%s", code);
	if (response->request_id != NULL)
		json_object_set_new(problem, "request_id", json_string(response->request_id));
}

void
http_response_problem(HttpResponse *response, unsigned status, const char *detail)
{
	http_response_problem_members(response, status, detail, NULL);
}

void
http_response_problem_members(HttpResponse *response, unsigned status, const char *detail,
							  json_t *members)
{
	json_t *problem = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
								MHD_get_reason_phrase_for(status), "status", (int) status);

	if (problem != NULL && detail != NULL)
		json_object_set_new(problem, "detail", json_string(detail));
	if (problem != NULL && members != NULL)
		json_object_update_missing(problem, members);
	json_decref(members);
	if (problem != NULL)
		problem_name(response, status, problem);

	char *text = problem != NULL ? json_dumps(problem, JSON_COMPACT) : NULL;

	json_decref(problem);
	if (text == NULL)
		body_set(response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, NULL, 0, false);
	else
		http_response_take(response, status, "application/problem+json", text, strlen(text));
}

void
http_response_header(HttpResponse *response, const char *name, const char *value)
{
	if (response->header_count == HTTP_RESPONSE_HEADERS_MAX)
		return;
	response->headers[response->header_count].name = strdup(name);
	response->headers[response->header_count].value = strdup(value);
	response->header_count++;
}

const char *
http_response_request_id(const HttpResponse *response)
{
	return response->request_id;
}

HttpStream *
http_response_stream(HttpRequest *request, HttpResponse *response, const char *content_type)
{
	HttpStream *stream = http_stream_new(request->connection, &response->message);

	if (stream == NULL)
		http_response_problem(response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
	else
	{
		response->status = MHD_HTTP_OK;
		response->content_type = content_type;
	}
	return stream;
}

static struct MHD_Response *
message_make(HttpResponse *response)
{
	struct MHD_Response *message = response->message;

	response->message = NULL;
	if (message == NULL)
		message = MHD_create_response_from_buffer(response->bytes, (void *) response->body,
												  response->body_is_owned ? MHD_RESPMEM_MUST_FREE
																		  : MHD_RESPMEM_PERSISTENT);
	if (message != NULL)
		response->body_is_owned = false;
	return message;
}

static void
headers_add(struct MHD_Response *message, const HttpResponse *response)
{
	if (response->content_type != NULL)
		MHD_add_response_header(message, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	/* What these endpoints say is true now only, and never what a browser guesses it to be. */
	MHD_add_response_header(message, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(message, "X-Content-Type-Options", "nosniff");
	if (response->request_id != NULL)
		MHD_add_response_header(message, "X-Request-Id", response->request_id);
	for (size_t i = 0; i < response->header_count; i++)
		if (response->headers[i].name != NULL && response->headers[i].value != NULL)
			MHD_add_response_header(message, response->headers[i].name, response->headers[i].value);
}

enum MHD_Result
http_response_send(struct MHD_Connection *connection, HttpResponse *response)
{
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *message = message_make(response);

	if (message != NULL)
	{
		headers_add(message, response);
		result = MHD_queue_response(connection, response->status, message);
		MHD_destroy_response(message);
	}
	http_response_clear(response);
	return result;
}
