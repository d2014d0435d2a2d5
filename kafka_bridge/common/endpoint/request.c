/*
 * request.c
 *		Path, query, headers and JSON body, each checked before anything is done.
 */
#include "endpoint/request.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "endpoint/problem.h"

#define NAME_SHOWN_LENGTH 64

typedef struct BodyScan
{
	const Endpoint *endpoint;
	EndpointValues *values;
	unsigned seen; /* a bit for each parameter */
	const char *code;
	char reason[ENDPOINT_REASON_BYTES];
} BodyScan;

static size_t
value_count(const EndpointParameter *parameter)
{
	return parameter->value_count > 0 ? parameter->value_count : 1;
}

/* The values of the i-th parameter. */
static char **
parameter_values(const Endpoint *endpoint, size_t i, EndpointValues *values)
{
	size_t first = 0;

	for (size_t before = 0; before < i; before++)
		first += value_count(&endpoint->parameters[before]);
	return &values->items[first];
}

/* False with the reason, which names the parameter. */
static bool
parameter_parse(const Endpoint *endpoint, size_t i, const EndpointInput *input,
				EndpointValues *values, char reason[ENDPOINT_REASON_BYTES])
{
	const EndpointParameter *parameter = &endpoint->parameters[i];
	char room[ENDPOINT_REASON_BYTES];
	EndpointInput given = {input->kind, input->text, input->length, room};
	const char *wrong = parameter->parse(&given, parameter_values(endpoint, i, values));

	if (wrong == NULL)
		return true;
	snprintf(reason, ENDPOINT_REASON_BYTES, "%s %s", parameter->name, wrong);
	return false;
}

static const char *
plain_text_get(const EndpointParameter *parameter, const HttpRequest *request)
{
	switch (parameter->source)
	{
		case SOURCE_PATH:
			return http_request_parameter(request, parameter->name);
		case SOURCE_QUERY:
			return http_request_query(request, parameter->name);
		case SOURCE_QUERY_OBJECT:
			break;
		case SOURCE_HEADER:
			return http_request_header(request, parameter->name);
		case SOURCE_BODY:
			break;
	}
	return NULL;
}

typedef struct QueryObject
{
	const char *prefix;
	json_t *object;
	bool is_text; /* false: a name or value is no UTF-8 */
} QueryObject;

static void
query_object_add(const char *name, const char *value, void *context)
{
	QueryObject *made = context;
	size_t bytes = strlen(made->prefix);

	if (strncmp(name, made->prefix, bytes) == 0 &&
		json_object_set_new(made->object, name + bytes, json_string(value)) != 0)
		made->is_text = false;
}

/* The value of SOURCE_QUERY_OBJECT: NULL where the query has no such parameter. */
static bool
query_object_parse(const EndpointParameter *parameter, const HttpRequest *request,
				   HttpResponse *response, char **value)
{
	QueryObject made = {parameter->name, json_object(), true};

	http_request_query_each(request, query_object_add, &made);
	if (json_object_size(made.object) > 0)
		*value = json_dumps(made.object, JSON_COMPACT);
	json_decref(made.object);
	if (!made.is_text)
		problem_from_code(response, PG_INVALID_TEXT, "the query is not valid UTF-8");
	return made.is_text;
}

/* What does not stand in the body. */
static bool
plain_parse(const Endpoint *endpoint, const HttpRequest *request, HttpResponse *response,
			EndpointValues *values)
{
	char reason[ENDPOINT_REASON_BYTES];

	for (size_t i = 0; i < endpoint->parameter_count; i++)
	{
		const EndpointParameter *parameter = &endpoint->parameters[i];
		const char *text = plain_text_get(parameter, request);

		if (parameter->source == SOURCE_QUERY_OBJECT &&
			!query_object_parse(parameter, request, response,
								parameter_values(endpoint, i, values)))
			return false;
		if (text == NULL)
			text = parameter->default_text;
		if (text != NULL)
		{
			EndpointInput input = {JSON_STRING_VALUE, text, strlen(text)};

			if (parameter_parse(endpoint, i, &input, values, reason))
				continue;
			problem_from_code(response, PG_INVALID_TEXT, reason);
			return false;
		}
		if (parameter->is_required && parameter->source != SOURCE_BODY)
		{
			snprintf(reason, sizeof(reason), "%s is missing", parameter->name);
			problem_from_code(response, PG_NULL_NOT_ALLOWED, reason);
			return false;
		}
	}
	return true;
}

static bool
member_find(const Endpoint *endpoint, JsonSlice name, size_t *found)
{
	for (size_t i = 0; i < endpoint->parameter_count; i++)
		if (endpoint->parameters[i].source == SOURCE_BODY &&
			json_string_equals(name, endpoint->parameters[i].name))
		{
			*found = i;
			return true;
		}
	return false;
}

/* A copy that ends in NUL: of a string without its escapes. */
static bool
member_copy(const JsonMember *member, EndpointInput *input)
{
	char *text = malloc(member->value.length + 1);

	if (text == NULL)
		return false;
	input->kind = member->kind;
	input->length = member->value.length;
	if (member->kind == JSON_STRING_VALUE)
		input->length = json_string_decode(member->value, text);
	else
		memcpy(text, member->value.bytes, member->value.length);
	text[input->length] = '\0';
	input->text = text;
	return true;
}

static const char *
null_take(BodyScan *scan, size_t i)
{
	const char *text = scan->endpoint->parameters[i].null_text;
	char **value = parameter_values(scan->endpoint, i, scan->values);

	if (text == NULL)
		return NULL;
	*value = strdup(text);
	return *value != NULL ? NULL : "out of memory";
}

/* JsonMemberFunction: the static text only says that the scan's own reason is there. */
static const char *
member_take(const JsonMember *member, void *context)
{
	static const char refused[] = "refused";
	BodyScan *scan = context;
	EndpointInput input;
	size_t i = 0;

	if (!member_find(scan->endpoint, member->name, &i))
	{
		int shown =
			member->name.length < NAME_SHOWN_LENGTH ? (int) member->name.length : NAME_SHOWN_LENGTH;

		snprintf(scan->reason, sizeof(scan->reason), "unknown member \"%.*s\"", shown,
				 member->name.bytes);
		return refused;
	}
	if (scan->seen & 1U << i)
	{
		snprintf(scan->reason, sizeof(scan->reason), "%s is given twice",
				 scan->endpoint->parameters[i].name);
		return refused;
	}
	scan->seen |= 1U << i;
	if (member->kind == JSON_NULL_VALUE)
		return null_take(scan, i);
	if (!member_copy(member, &input))
		return "out of memory";

	bool is_fine = parameter_parse(scan->endpoint, i, &input, scan->values, scan->reason);

	free((char *) input.text);
	return is_fine ? NULL : refused;
}

static bool
members_check(BodyScan *scan)
{
	for (size_t i = 0; i < scan->endpoint->parameter_count; i++)
	{
		const EndpointParameter *parameter = &scan->endpoint->parameters[i];

		if (parameter->source != SOURCE_BODY || !parameter->is_required ||
			*parameter_values(scan->endpoint, i, scan->values) != NULL)
			continue;
		snprintf(scan->reason, sizeof(scan->reason), "%s is missing", parameter->name);
		scan->code = PG_NULL_NOT_ALLOWED;
		return false;
	}
	return true;
}

/* A cut in the middle of a character must not make the answer's JSON invalid. */
static void
reason_end_cleanly(char *reason)
{
	size_t length = strlen(reason);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char) reason[i] < ' ' || (unsigned char) reason[i] > '~')
			reason[i] = '?';
}

static bool
body_parse(const Endpoint *endpoint, const HttpRequest *request, HttpResponse *response,
		   EndpointValues *values)
{
	BodyScan scan = {.endpoint = endpoint, .values = values, .code = PG_INVALID_TEXT};
	size_t bytes = 0;
	const char *body = http_request_body(request, &bytes);
	const char *wrong = bytes > 0 ? json_scan_object(body, bytes, member_take, &scan) : NULL;

	if (wrong != NULL && scan.reason[0] == '\0')
		snprintf(scan.reason, sizeof(scan.reason), "the body is %s%s",
				 strncmp(wrong, "not ", 4) == 0 ? "" : "not valid JSON: ", wrong);
	if (wrong == NULL && members_check(&scan))
		return true;
	reason_end_cleanly(scan.reason);
	problem_from_code(response, scan.code, scan.reason);
	return false;
}

/* No form of another site can send this type, so none can move money with a visitor's rights. */
static bool
type_is_json(const HttpRequest *request)
{
	static const char json_type[] = "application/json";
	const char *type = http_request_header(request, "Content-Type");

	if (type == NULL || strncasecmp(type, json_type, sizeof(json_type) - 1) != 0)
		return false;

	const char *rest = type + sizeof(json_type) - 1;

	rest += strspn(rest, " \t");
	return *rest == '\0' || *rest == ';';
}

/* A body that is packed would be read as it stands. */
static bool
coding_is_plain(const HttpRequest *request)
{
	const char *coding = http_request_header(request, "Content-Encoding");

	return coding == NULL || strcasecmp(coding, "identity") == 0;
}

bool
endpoint_request_parse(const Endpoint *endpoint, const HttpRequest *request, HttpResponse *response,
					   EndpointValues *values)
{
	bool has_body = strcmp(endpoint->method, "POST") == 0;

	for (size_t i = 0; i < endpoint->parameter_count; i++)
		values->count += value_count(&endpoint->parameters[i]);
	if (has_body && !type_is_json(request))
	{
		http_response_problem(response, 415, "Content-Type must be application/json");
		return false;
	}
	if (has_body && !coding_is_plain(request))
	{
		http_response_problem(response, 415, "Content-Encoding must be identity");
		return false;
	}
	for (const EndpointRefusedHeader *refused = endpoint->refused_headers;
		 refused != NULL && refused->name != NULL; refused++)
		if (http_request_header(request, refused->name) != NULL)
		{
			problem_from_code(response, PG_INVALID_TEXT, refused->reason);
			return false;
		}
	return plain_parse(endpoint, request, response, values) &&
		   (!has_body || body_parse(endpoint, request, response, values));
}

void
endpoint_values_free(EndpointValues *values)
{
	for (size_t i = 0; i < values->count; i++)
		free(values->items[i]);
	values->count = 0;
}
