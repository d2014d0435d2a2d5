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
 * Call order: http_connections_new(); admit before a connection is handed to libmicrohttpd, add
 * and remove as that notifies, or come where it does not take it;
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
/* Longer than the way of a request through the network. */
#define HTTP_SILENCE_MS 500

/* Where a connection is served. */
typedef enum HttpPlace
{
	HTTP_PLACE_HALL,
	HTTP_PLACE_RESERVE, /* for answers that must come at once, each the last of its connection */
} HttpPlace;

#define HTTP_PLACES		 2
#define HTTP_RESERVE_MAX 32

typedef struct HttpConnectionLimits
{
	size_t most;	   /* connections in the hall */
	size_t per_client; /* of one address; 0: as many as there are */
} HttpConnectionLimits;

/* An address; of IPv4 as IPv6 maps it. */
typedef struct HttpClient
{
	unsigned char address[16];
} HttpClient;

/* NULL when out of memory, threads or descriptors. */
HttpConnections *http_connections_new(const HttpConnectionLimits *limits);
void http_connections_free(HttpConnections *connections);

/*
 * Whether there is room for one more, which is kept for it. Where there is none in the reserve, its
 * oldest connection that waits for its client is shut. Where there was none,
 * http_connections_room_fd() becomes readable with the next one that goes.
 */
bool http_connections_admit(HttpConnections *connections, HttpPlace place);
/* One that was admitted does not stay on the way any more. */
void http_connections_come(HttpConnections *connections, HttpPlace place);
int http_connections_room_fd(const HttpConnections *connections);

/*
 * Whether a client that has others waiting may have one more connection; with may_shut a silent one
 * in the hall makes room for it. True where clients have no bound of their own.
 */
bool http_connections_bound_clients(const HttpConnections *connections);
bool http_connections_client_has_room(HttpConnections *connections, const HttpClient *client,
									  size_t waiting, bool may_shut);

/*
 * One that was admitted. NULL when out of memory, or when the client has too many already and none
 * of them is silent: then the server refuses the connection's requests.
 */
HttpConnection *http_connection_add(HttpConnections *connections, HttpPlace place, int fd,
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
HttpPlace http_connection_place(const HttpConnection *connection);
HttpClient http_client_of(const struct sockaddr *address);
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
