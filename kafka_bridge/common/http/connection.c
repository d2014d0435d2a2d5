/*
 * connection.c
 *		A list of connections and the thread that cuts the late ones off.
 */
#include "http/connection.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wake.h"

#define SWEEP_INTERVAL_MS 100
#define RESERVE_WAIT_MS	  100 /* for a client of the reserve, where others want its place */

struct HttpConnection
{
	HttpConnection *previous;
	HttpConnection *next;
	struct HttpRequest *request; /* of the library's thread, without the lock */
	HttpClient client;
	HttpPlace place;
	int fd;
	bool is_worked;
	bool is_shut;
	int64_t waits_ms;	 /* since when the client is waited for, by clock_monotonic_ms() */
	int64_t deadline_ms; /* by clock_monotonic_ms(); HTTP_CONNECTION_NO_DEADLINE: none */
};

struct HttpConnections
{
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop_wanted;
	HttpConnectionLimits limits;
	int room_fd;
	HttpConnection *first; /* lock, as all below; the newest */
	HttpConnection *last;
	size_t inside[HTTP_PLACES];
	size_t on_way[HTTP_PLACES]; /* admitted, and not added yet */
	bool is_waited_for;			/* somebody wants room */
	bool stopping;
};

static int64_t
deadline_after(int64_t timeout_ms)
{
	return timeout_ms == HTTP_CONNECTION_NO_DEADLINE ? HTTP_CONNECTION_NO_DEADLINE
													 : clock_monotonic_ms() + timeout_ms;
}

/* All of these with the lock held. */

static void
connection_shut(HttpConnection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
	connection->is_shut = true;
	connection->deadline_ms = HTTP_CONNECTION_NO_DEADLINE;
}

/* What has come already waits for the server, not for the client. */
static bool
connection_is_silent(const HttpConnection *connection, int64_t now_ms)
{
	int unread = 0;

	return connection->place == HTTP_PLACE_HALL && !connection->is_worked && !connection->is_shut &&
		   now_ms - connection->waits_ms >= HTTP_SILENCE_MS &&
		   (ioctl(connection->fd, FIONREAD, &unread) != 0 || unread == 0);
}

/* The one that has been silent for longest, of one client or of all. NULL: none is. */
static HttpConnection *
silent_find(const HttpConnections *connections, const HttpClient *client)
{
	HttpConnection *oldest = NULL;
	int64_t now_ms = clock_monotonic_ms();

	/* The first to come are likely to have been silent for longest: few others are looked at. */
	for (HttpConnection *at = connections->last; at != NULL; at = at->previous)
		if ((client == NULL || http_client_equals(&at->client, client)) &&
			(oldest == NULL || at->waits_ms < oldest->waits_ms) && connection_is_silent(at, now_ms))
			oldest = at;
	return oldest;
}

static size_t
open_count(const HttpConnections *connections, const HttpClient *client)
{
	size_t count = 0;

	for (const HttpConnection *at = connections->first; at != NULL; at = at->next)
		count += at->place == HTTP_PLACE_HALL && !at->is_shut &&
				 (client == NULL || http_client_equals(&at->client, client));
	return count;
}

/* Some places are kept free for the next clients. */
static void
room_make(const HttpConnections *connections)
{
	size_t reserve = connections->limits.most / 16 + 2;

	if (connections->inside[HTTP_PLACE_HALL] + reserve <= connections->limits.most)
		return;
	for (size_t open = open_count(connections, NULL); open + reserve > connections->limits.most;
		 open--)
	{
		HttpConnection *silent = silent_find(connections, NULL);

		if (silent == NULL)
			return;
		connection_shut(silent);
	}
}

static void
connections_sweep(const HttpConnections *connections)
{
	int64_t now_ms = clock_monotonic_ms();

	for (HttpConnection *at = connections->first; at != NULL; at = at->next)
		if (at->deadline_ms != HTTP_CONNECTION_NO_DEADLINE && now_ms >= at->deadline_ms)
			connection_shut(at);
	room_make(connections);
}

static void *
sweeper_main(void *argument)
{
	HttpConnections *connections = argument;

	pthread_mutex_lock(&connections->lock);
	while (!connections->stopping)
	{
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += SWEEP_INTERVAL_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&connections->stop_wanted, &connections->lock, &until);
		connections_sweep(connections);
	}
	pthread_mutex_unlock(&connections->lock);
	return NULL;
}

static void
connections_free(HttpConnections *connections)
{
	pthread_cond_destroy(&connections->stop_wanted);
	pthread_mutex_destroy(&connections->lock);
	close(connections->room_fd);
	free(connections);
}

HttpConnections *
http_connections_new(const HttpConnectionLimits *limits)
{
	HttpConnections *connections = calloc(1, sizeof(HttpConnections));
	pthread_condattr_t monotonic;

	if (connections == NULL)
		return NULL;
	connections->limits = *limits;
	connections->room_fd = wake_new();
	if (connections->room_fd < 0)
	{
		free(connections);
		return NULL;
	}
	pthread_mutex_init(&connections->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&connections->stop_wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&connections->thread, NULL, sweeper_main, connections) == 0)
		return connections;
	connections_free(connections);
	return NULL;
}

void
http_connections_free(HttpConnections *connections)
{
	if (connections == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	connections->stopping = true;
	pthread_cond_signal(&connections->stop_wanted);
	pthread_mutex_unlock(&connections->lock);
	pthread_join(connections->thread, NULL);
	connections_free(connections);
}

HttpClient
http_client_of(const struct sockaddr *address)
{
	HttpClient client = {{0}};

	if (address != NULL && address->sa_family == AF_INET6)
		memcpy(client.address, &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr,
			   16);
	else if (address != NULL && address->sa_family == AF_INET)
	{
		memset(client.address + 10, 0xFF, 2);
		memcpy(client.address + 12,
			   &((const struct sockaddr_in *) (const void *) address)->sin_addr, 4);
	}
	return client;
}

HttpPlace
http_connection_place(const HttpConnection *connection)
{
	return connection->place;
}

int
http_connections_room_fd(const HttpConnections *connections)
{
	return connections->room_fd;
}

bool
http_client_equals(const HttpClient *a, const HttpClient *b)
{
	return memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

const HttpClient *
http_connection_client(const HttpConnection *connection)
{
	return &connection->client;
}

bool
http_connections_bound_clients(const HttpConnections *connections)
{
	return connections->limits.per_client > 0;
}

/* With the lock held. A client's own silent connection makes room for its next one. */
static bool
client_room_make(const HttpConnections *connections, const HttpClient *client, size_t waiting,
				 bool may_shut)
{
	size_t most = connections->limits.per_client;
	HttpConnection *silent = NULL;

	if (most == 0 || open_count(connections, client) + waiting < most)
		return true;
	silent = may_shut ? silent_find(connections, client) : NULL;
	if (silent != NULL)
		connection_shut(silent);
	return silent != NULL;
}

bool
http_connections_client_has_room(HttpConnections *connections, const HttpClient *client,
								 size_t waiting, bool may_shut)
{
	pthread_mutex_lock(&connections->lock);
	bool has_room = client_room_make(connections, client, waiting, may_shut);

	pthread_mutex_unlock(&connections->lock);
	return has_room;
}

/* With the lock held. */
static void
reserve_room_make(const HttpConnections *connections)
{
	HttpConnection *oldest = NULL;
	int64_t late_ms = clock_monotonic_ms() - RESERVE_WAIT_MS;

	for (HttpConnection *at = connections->last; at != NULL && oldest == NULL; at = at->previous)
		if (at->place == HTTP_PLACE_RESERVE && !at->is_shut && !at->is_worked &&
			at->waits_ms <= late_ms)
			oldest = at;
	if (oldest != NULL)
		connection_shut(oldest);
}

bool
http_connections_admit(HttpConnections *connections, HttpPlace place)
{
	size_t most =
		place == HTTP_PLACE_RESERVE ? (size_t) HTTP_RESERVE_MAX : connections->limits.most;

	pthread_mutex_lock(&connections->lock);
	bool has_room = connections->inside[place] + connections->on_way[place] < most;

	if (has_room)
		connections->on_way[place]++;
	else
		connections->is_waited_for = true;
	if (!has_room && place == HTTP_PLACE_RESERVE)
		reserve_room_make(connections);
	pthread_mutex_unlock(&connections->lock);
	return has_room;
}

/* With the lock held. Whoever waits for a place is told. */
static void
place_leave(HttpConnections *connections, size_t *places)
{
	(*places)--;
	if (connections->is_waited_for)
		wake_set(connections->room_fd);
	connections->is_waited_for = false;
}

void
http_connections_come(HttpConnections *connections, HttpPlace place)
{
	pthread_mutex_lock(&connections->lock);
	place_leave(connections, &connections->on_way[place]);
	pthread_mutex_unlock(&connections->lock);
}

HttpConnection *
http_connection_add(HttpConnections *connections, HttpPlace place, int fd,
					const struct sockaddr *address, int64_t timeout_ms)
{
	HttpConnection *connection = calloc(1, sizeof(HttpConnection));
	bool has_room = false;

	if (connection == NULL)
	{
		http_connections_come(connections, place);
		return NULL;
	}
	connection->fd = fd;
	connection->place = place;
	connection->client = http_client_of(address);
	connection->waits_ms = clock_monotonic_ms();
	connection->deadline_ms = deadline_after(timeout_ms);
	pthread_mutex_lock(&connections->lock);
	has_room =
		place == HTTP_PLACE_RESERVE || client_room_make(connections, &connection->client, 0, true);
	if (has_room)
	{
		connection->next = connections->first;
		*(connection->next != NULL ? &connection->next->previous : &connections->last) = connection;
		connections->first = connection;
		connections->on_way[place]--;
		connections->inside[place]++;
	}
	else
		place_leave(connections, &connections->on_way[place]);
	pthread_mutex_unlock(&connections->lock);
	if (has_room)
		return connection;
	free(connection);
	return NULL;
}

void
http_connection_remove(HttpConnections *connections, HttpConnection *connection)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	*(connection->previous != NULL ? &connection->previous->next : &connections->first) =
		connection->next;
	*(connection->next != NULL ? &connection->next->previous : &connections->last) =
		connection->previous;
	place_leave(connections, &connections->inside[connection->place]);
	pthread_mutex_unlock(&connections->lock);
	free(connection);
}

struct HttpRequest *
http_connection_request_set(HttpConnection *connection, struct HttpRequest *request)
{
	struct HttpRequest *before = connection->request;

	connection->request = request;
	return before;
}

void
http_connection_limit(HttpConnections *connections, HttpConnection *connection, int64_t timeout_ms)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	connection->deadline_ms = deadline_after(timeout_ms);
	pthread_mutex_unlock(&connections->lock);
}

void
http_connection_work(HttpConnections *connections, HttpConnection *connection, bool is_worked)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	connection->is_worked = is_worked;
	connection->waits_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&connections->lock);
}

size_t
http_connections_worked(HttpConnections *connections, const HttpClient *client)
{
	size_t count = 0;

	pthread_mutex_lock(&connections->lock);
	for (const HttpConnection *at = connections->first; at != NULL; at = at->next)
		count += at->is_worked && http_client_equals(&at->client, client);
	pthread_mutex_unlock(&connections->lock);
	return count;
}
