/*
 * connection.h
 *		Deadlines of the server's connections: cuts off clients that trickle bytes to escape the
 *		idle timeout. Used inside common/http only.
 *
 * A thread of the set looks at the deadlines twice a second and shuts a late connection down;
 * libmicrohttpd then notices and closes it. One mutex guards the list and the deadlines; a
 * connection is removed before its descriptor is closed, so that no other socket can be hit.
 *
 * Call order: http_connections_new(); add and remove as libmicrohttpd notifies;
 * http_connections_free() after the library has stopped.
 */
#pragma once

#include <stdint.h>

typedef struct HttpConnections HttpConnections;
typedef struct HttpConnection HttpConnection;

#define HTTP_CONNECTION_NO_DEADLINE 0

/* NULL when out of memory or threads. */
HttpConnections *http_connections_new(void);
void http_connections_free(HttpConnections *connections);

/* NULL when out of memory: then the server refuses the connection's requests. */
HttpConnection *http_connection_add(HttpConnections *connections, int fd, int64_t timeout_ms);
void http_connection_remove(HttpConnections *connections, HttpConnection *connection);

/*
 * The request that was begun on the connection and has not ended, or NULL; returns what was set
 * before. Only the library's thread that has the connection may call it.
 */
struct HttpRequest *http_connection_request_set(HttpConnection *connection,
												struct HttpRequest *request);

/* timeout_ms from now on, or HTTP_CONNECTION_NO_DEADLINE. connection may be NULL. */
void http_connection_limit(HttpConnections *connections, HttpConnection *connection,
						   int64_t timeout_ms);
