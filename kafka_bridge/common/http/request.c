/*
 * request.c
 *		What was asked, piece by piece as it comes.
 */
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/server.h"

const char *
http_request_method(const HttpRequest *request)
{
	return request->method;
}

const char *
http_request_path(const HttpRequest *request)
{
	return request->path;
}

const char *
http_request_parameter(const HttpRequest *request, const char *name)
{
	for (size_t i = 0; i < request->match.parameter_count; i++)
		if (strcmp(request->match.parameters[i].name, name) == 0)
			return request->match.parameters[i].value;
	return NULL;
}

const char *
http_request_query(const HttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

typedef struct QueryWalk
{
	HttpQueryFunction function;
	void *context;
} QueryWalk;

/* MHD_KeyValueIterator */
static enum MHD_Result
query_step(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const QueryWalk *walk = context;

	(void) kind;
	walk->function(name, value != NULL ? value : "", walk->context);
	return MHD_YES;
}

void
http_request_query_each(const HttpRequest *request, HttpQueryFunction function, void *context)
{
	QueryWalk walk = {function, context};

	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, query_step, &walk);
}

const char *
http_request_header(const HttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *
http_request_body(const HttpRequest *request, size_t *bytes)
{
	*bytes = request->body_bytes;
	return request->body != NULL ? request->body : "";
}

const char *
http_request_id(const HttpRequest *request)
{
	return request->id;
}

const HttpCaller *
http_request_caller(const HttpRequest *request)
{
	return &request->caller;
}

HttpClient
http_request_client(const HttpRequest *request)
{
	return *http_connection_client(request->guard);
}

bool
http_request_grant(HttpRequest *request, size_t bytes)
{
	if (!http_budget_take(request->answers, bytes))
		return false;
	request->answer_bytes += bytes;
	return true;
}

void
http_request_grant_return(HttpRequest *request, size_t bytes)
{
	http_budget_give(request->answers, bytes);
	request->answer_bytes -= bytes;
}

void
http_request_grants_end(HttpRequest *request)
{
	if (request->answers != NULL)
		http_budget_give(request->answers, request->answer_bytes);
	request->answer_bytes = 0;
}

HttpResponse *
http_request_response(HttpRequest *request)
{
	return &request->response;
}

bool
http_request_may(HttpRequest *request, HttpScope scope)
{
	char detail[128];

	if (request->caller.scopes & scope)
		return true;
	snprintf(detail, sizeof(detail), "the token \"%s\" lacks the scope %s", request->caller.name,
			 http_scope_name(scope));
	http_response_problem_members(&request->response, MHD_HTTP_FORBIDDEN, detail,
								  json_pack("{s:s}", "scope", http_scope_name(scope)));
	return false;
}

/* Authority and path of a request target; false when out of memory. */
static bool
target_take(HttpRequest *request, const char *target)
{
	const char *scheme_end = strstr(target, "://");

	if (target[0] != '/' && scheme_end != NULL)
	{
		size_t bytes = strcspn(scheme_end + 3, "/?");

		request->authority = strndup(scheme_end + 3, bytes);
		if (request->authority == NULL)
			return false;
		target = scheme_end + 3 + bytes;
	}
	request->path = strndup(target, strcspn(target, "?"));
	return request->path != NULL;
}

HttpRequest *
http_request_new(struct MHD_Connection *connection, const char *target)
{
	HttpRequest *request = calloc(1, sizeof(HttpRequest));

	if (request == NULL)
		return NULL;
	request->connection = connection;
	request->begun_us = clock_monotonic_us();
	if (target_take(request, target))
		return request;
	http_request_free(request);
	return NULL;
}

void
http_request_free(HttpRequest *request)
{
	if (request == NULL)
		return;
	http_response_clear(&request->response);
	http_request_body_free(request);
	free(request->authority);
	free(request->path);
	free(request);
}

void
http_request_body_free(HttpRequest *request)
{
	free(request->body);
	request->body = NULL;
	request->body_bytes = 0;
	request->body_room = 0;
}

static bool
body_make_room(HttpRequest *request, size_t bytes)
{
	size_t wanted = request->body_bytes + bytes + 1;

	if (wanted <= request->body_room)
		return true;

	/* Bodies come in many pieces where they are long. */
	size_t room = request->body_room == 0 ? wanted : wanted * 2;
	char *body = realloc(request->body, room);

	if (body == NULL)
		return false;
	request->body = body;
	request->body_room = room;
	return true;
}

void
http_request_body_append(HttpRequest *request, size_t bytes_max, const char *data, size_t bytes)
{
	if (request->body_too_large || bytes > bytes_max - request->body_bytes ||
		!body_make_room(request, bytes))
	{
		request->body_too_large = true;
		request->discarded_bytes += bytes;
		return;
	}
	memcpy(request->body + request->body_bytes, data, bytes);
	request->body_bytes += bytes;
	request->body[request->body_bytes] = '\0';
}

bool
http_request_announces_more(const HttpRequest *request, size_t bytes_max)
{
	const char *length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length != NULL && strtoull(length, NULL, 10) > bytes_max;
}
