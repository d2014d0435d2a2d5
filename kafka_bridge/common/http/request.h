/*
 * request.h
 *		One request while the server has it. Handlers see it through server.h only.
 *
 * It lives from libmicrohttpd's first call for it to its completion, and belongs to one thread of
 * the server all that time, but for a deferred one: between http_request_defer() and
 * http_request_finish() it belongs to whoever deferred it, while its connection is suspended.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/budget.h"
#include "http/connection.h"
#include "http/fields.h"
#include "http/request_id.h"
#include "http/response.h"
#include "http/route.h"
#include "http/token.h"

struct HttpRequest
{
	struct MHD_Connection *connection;
	HttpConnection *guard;
	const char *method;
	char id[HTTP_REQUEST_ID_BYTES];
	HttpCaller caller;
	unsigned refusal; /* status with which it is refused before it is looked at, or 0 */
	char reason[HTTP_REASON_BYTES];
	char *authority; /* of an absolute form, or NULL */
	char *path;
	char *body;
	size_t body_bytes;
	size_t body_room;
	size_t discarded_bytes;
	size_t reserved_bytes; /* of the server's memory for bodies */
	HttpBudget *answers;   /* the server's memory for large answers */
	size_t answer_bytes;   /* granted of it */
	int64_t begun_us;	   /* by clock_monotonic_us() */
	bool body_too_large;
	bool body_has_no_room; /* among those of all requests */
	bool headers_seen;
	bool is_deferred; /* stays true once it was */
	bool is_counted;  /* among those that http_server_drain() waits for */
	HttpMatchResult match_result;
	HttpMatch match;
	HttpResponse response;
};

/* path is as it was sent: no query, and no host of an absolute form. NULL when out of memory. */
HttpRequest *http_request_new(struct MHD_Connection *connection, const char *target);
/* NULL is fine. */
void http_request_free(HttpRequest *request);

/* Keeps a piece of the body; beyond bytes_max it only notes that there was too much. */
void http_request_body_append(HttpRequest *request, size_t bytes_max, const char *data,
							  size_t bytes);

/* Once it is not read any more. */
void http_request_body_free(HttpRequest *request);

/* Whether Content-Length says more than bytes_max. */
bool http_request_announces_more(const HttpRequest *request, size_t bytes_max);
