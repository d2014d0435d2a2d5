/*
 * live_request.h
 *		The request that begins a stream: GET /wallets/{id}/history/live.
 */
#pragma once

#include "http/server.h"
#include "live_streams.h"
#include "postgres/pool.h"

typedef struct LiveRequests
{
	LiveStreams *streams;
	PgPool *pool;
} LiveRequests;

/* The route's handler; its context is a LiveRequests, which must outlive the server. */
void live_request_handle(HttpRequest *request, HttpResponse *response, const void *context);
