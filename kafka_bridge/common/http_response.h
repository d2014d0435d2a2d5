/*
 * http_response.h
 *		What a handler fills and the server sends. Handlers see it through http_server.h only.
 */
#pragma once

#include <microhttpd.h>
#include <stddef.h>

#include "http_server.h"

#define HTTP_RESPONSE_HEADERS_MAX 8

struct HttpResponse
{
	unsigned status; /* 0: not filled yet */
	const char *content_type;
	char *body; /* owned until it is given to MHD */
	size_t bytes;
	struct
	{
		char *name;
		char *value;
	} headers[HTTP_RESPONSE_HEADERS_MAX];
	size_t header_count;
};

/* Queues the response and frees what it owns; MHD_NO closes the connection. */
enum MHD_Result http_response_send(struct MHD_Connection *connection, HttpResponse *response);
