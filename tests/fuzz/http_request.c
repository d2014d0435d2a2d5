/*
 * http_request.c
 *		A request against every endpoint of wallet_service: path, query, headers and body. Input:
 *		the path's parameter, the Idempotency-Key, If-Match, two parameters of the query (name and
 *		value each), with a byte of zero behind each; the rest is the body.
 *
 * The texts are handed over where libmicrohttpd would: the two look-ups below take its place, as
 * no socket is read here.
 */
#include "http/request.h"

#include <strings.h>

#include "endpoint/request.h"
#include "fuzz_input.h"
#include "http/host.h"
#include "http/response.h"
#include "service/routes.h"

#define QUERIES 2

static struct
{
	char *parameter;
	char *key;
	char *if_match;
	char *names[QUERIES];
	char *values[QUERIES];
} sent;

const char *
MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
							const char *key)
{
	(void) connection;
	if (kind == MHD_HEADER_KIND)
	{
		if (strcasecmp(key, "Content-Type") == 0)
			return "application/json";
		if (strcasecmp(key, "Idempotency-Key") == 0)
			return sent.key[0] != '\0' ? sent.key : NULL;
		return strcasecmp(key, "If-Match") == 0 && sent.if_match[0] != '\0' ? sent.if_match : NULL;
	}
	for (int i = 0; i < QUERIES; i++)
		if (strcmp(sent.names[i], key) == 0)
			return sent.values[i];
	return NULL;
}

int
MHD_get_connection_values(struct MHD_Connection *connection, enum MHD_ValueKind kind,
						  MHD_KeyValueIterator function, void *context)
{
	int i = 0;

	(void) connection;
	while (i < QUERIES && (sent.names[i][0] == '\0' ||
						   function(context, kind, sent.names[i], sent.values[i]) == MHD_YES))
		i++;
	return i;
}

/* Either values that SQL can take, or an answer that says what is wrong. */
static void
try_endpoint(const Endpoint *endpoint, HttpRequest *request)
{
	EndpointValues values = {0};
	HttpResponse response = {0};
	const HttpRoute route = {.method = endpoint->method, .pattern = endpoint->pattern};
	char path[2048];

	/* Its first {name} is what was sent. */
	const char *brace = strchr(endpoint->pattern, '{');
	const char *after = brace != NULL ? strchr(brace, '}') : NULL;

	snprintf(path, sizeof(path), "%.*s%s%s",
			 (int) (brace != NULL ? (size_t) (brace - endpoint->pattern)
								  : strlen(endpoint->pattern)),
			 endpoint->pattern, brace != NULL ? sent.parameter : "",
			 after != NULL ? after + 1 : "");
	if (http_route_match(&route, 1, endpoint->method, path, &request->match) != HTTP_MATCH_FOUND)
		return;
	if (!endpoint_request_parse(endpoint, request, &response, &values))
		FUZZ_CHECK(response.status == 400 || response.status == 415);
	endpoint_values_free(&values);
	http_response_clear(&response);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FuzzInput input = {(const char *) data, size};
	HttpRequest request = {0};

	sent.parameter = fuzz_take_text(&input);
	sent.key = fuzz_take_text(&input);
	sent.if_match = fuzz_take_text(&input);
	for (int i = 0; i < QUERIES; i++)
	{
		sent.names[i] = fuzz_take_text(&input);
		sent.values[i] = fuzz_take_text(&input);
	}
	request.body = malloc(input.left + 1);
	FUZZ_CHECK(request.body != NULL);
	if (input.left > 0)
		memcpy(request.body, input.at, input.left);
	request.body[input.left] = '\0';
	request.body_bytes = input.left;
	for (size_t i = 0; i < SERVICE_ENDPOINT_COUNT; i++)
		try_endpoint(&service_endpoints[i], &request);
	(void) http_host_accept(sent.parameter, sent.key, NULL);
	(void) http_hosts_check(sent.parameter);
	free(request.body);
	free(sent.parameter);
	free(sent.key);
	free(sent.if_match);
	for (int i = 0; i < QUERIES; i++)
	{
		free(sent.names[i]);
		free(sent.values[i]);
	}
	return 0;
}
