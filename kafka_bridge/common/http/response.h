/*
 * response.h
 *		What a handler fills and the server sends. Handlers see it through server.h only.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "http/server.h"

#define HTTP_RESPONSE_HEADERS_MAX 8
#define HTTP_CODE_BYTES			  32

struct HttpResponse
{
	unsigned status; /* 0: not filled yet */
	const char *content_type;
	const char *body;
	size_t bytes;
	bool body_is_owned;			  /* from malloc(), until it is given to MHD */
	struct MHD_Response *message; /* of a stream, owned; instead of a body */
	struct
	{
		char *name;
		char *value;
	} headers[HTTP_RESPONSE_HEADERS_MAX];
	size_t header_count;
	const char *request_id;		/* lives as long as the request; NULL: none */
	char code[HTTP_CODE_BYTES]; /* of a problem, for the log; else "" */
};

/* Frees what it owns; zeroed, it can be filled again. */
void http_response_clear(HttpResponse *response);

/* Queues the response and clears it; MHD_NO closes the connection. */
enum MHD_Result http_response_send(struct MHD_Connection *connection, HttpResponse *response);
