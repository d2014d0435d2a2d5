/*
 * connection.h
 *		Deadlines of the server's connections: cuts off clients that trickle bytes to escape the
 *		idle timeout. Used inside common/http only.
 *
 * A thread of the set looks at the deadlines ten times a second and shuts a late connection
 * down; libmicrohttpd then notices and closes it. Where nearly all connections are taken,
 * those whose clients have been silent for longest make room. One mutex guards the list and
 * the deadlines; a connection is removed before its descriptor is closed, so that no other
 * socket can be hit.
 *
 * Call order: http_connections_new(); add and remove as libmicrohttpd notifies;
 * http_connections_free() after the library has stopped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct HttpConnections HttpConnections;
typedef struct HttpConnection HttpConnection;

#define HTTP_CONNECTION_NO_DEADLINE 0

typedef struct HttpConnectionLimits
{
	size_t most;	   /* connections that the server takes */
	size_t per_client; /* of one address; 0: as many as there are */
} HttpConnectionLimits;

/* An address; of IPv4 as IPv6 maps it. */
typedef struct HttpClient
{
	unsigned char address[16];
} HttpClient;

/* NULL when out of memory or threads. */
HttpConnections *http_connections_new(const HttpConnectionLimits *limits);
void http_connections_free(HttpConnections *connections);

/*
 * NULL when out of memory, or when the client has too many already and none of them is silent: then
 * the server refuses the connection's requests.
 */
HttpConnection *http_connection_add(HttpConnections *connections, int fd,
									const struct sockaddr *address, int64_t timeout_ms);
void http_connection_remove(HttpConnections *connections, HttpConnection *connection);

/*
 * The request that was begun on the connection and has not ended, or NULL; returns what was set
 * before. Only the library's thread that has the connection may call it.
 */
struct HttpRequest *http_connection_request_set(HttpConnection *connection,
												struct HttpRequest *request);

/* Who has the connection. */
const HttpClient *http_connection_client(const HttpConnection *connection);
bool http_client_equals(const HttpClient *a, const HttpClient *b);

/*
 * What the server does for the connection: it waits for the client (a request that is not there, or
 * not whole, or an answer that is not read), or works. Only one that waits has to make room.
 */
void http_connection_work(HttpConnections *connections, HttpConnection *connection, bool is_worked);

/* How many of the client's connections the server works for. */
size_t http_connections_worked(HttpConnections *connections, const HttpClient *client);

/* timeout_ms from now on, or HTTP_CONNECTION_NO_DEADLINE. connection may be NULL. */
void http_connection_limit(HttpConnections *connections, HttpConnection *connection,
						   int64_t timeout_ms);
