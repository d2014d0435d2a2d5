/*
 * door.h
 *		The way into the HTTP server: a thread that accepts connections, and looks at the first
 *		bytes of each before the server spends anything on it.
 *
 * A connection waits at the door until its client has said something. What asks for a prompt route
 * (HttpRoute.is_prompt), all its header there, enters the reserve, a part of the server that has a
 * thread and places of its own; everything else the hall, as soon as that has room. So neither
 * silent clients, nor those that fill the hall, keep anybody from asking for the server's health.
 * What has waited for room too long, or with too many, is told so.
 *
 * Call order: http_door_open(); http_door_close() before the library's daemons stop.
 */
#pragma once

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

#include "http/connection.h"
#include "http/route.h"

typedef struct HttpDoor HttpDoor;

typedef struct HttpDoorPlan
{
	HttpConnections *connections;
	const HttpRoute *routes;
	size_t route_count;
	struct MHD_Daemon *hall;
	struct MHD_Daemon *reserve;
	size_t waiting_max;
	int64_t timeout_ms; /* for the first bytes, and then for room */
} HttpDoorPlan;

/* NULL when out of memory, threads or descriptors; else listen_fd is the door's. */
HttpDoor *http_door_open(const HttpDoorPlan *plan, int listen_fd);

/* Nobody comes in any more, those that wait for room are told so. NULL is fine. */
void http_door_close(HttpDoor *door);

typedef enum HttpKnock
{
	HTTP_KNOCK_SILENT, /* what it wants is not known yet */
	HTTP_KNOCK_ORDINARY,
	HTTP_KNOCK_PROMPT,
} HttpKnock;

#define HTTP_KNOCK_BYTES 4096 /* a longer header is nothing prompt */

/* What a connection wants, by the bytes that have come. Pure. */
HttpKnock http_knock_read(const HttpRoute *routes, size_t route_count, const char *data,
						  size_t bytes);
