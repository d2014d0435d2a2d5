/*
 * connection.c
 *		A list of connections and the thread that cuts the late ones off.
 */
#include "http/connection.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define SWEEP_INTERVAL_MS 500

struct HttpConnection
{
	HttpConnection *previous;
	HttpConnection *next;
	struct HttpRequest *request; /* of the library's thread, without the lock */
	int fd;
	int64_t deadline_ms; /* by clock_monotonic_ms(); HTTP_CONNECTION_NO_DEADLINE: none */
};

struct HttpConnections
{
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop_wanted;
	HttpConnection *first; /* lock */
	bool stopping;		   /* lock */
};

static int64_t
deadline_after(int64_t timeout_ms)
{
	return timeout_ms == HTTP_CONNECTION_NO_DEADLINE ? HTTP_CONNECTION_NO_DEADLINE
													 : clock_monotonic_ms() + timeout_ms;
}

/* With the lock held. */
static void
connections_sweep(const HttpConnections *connections)
{
	int64_t now_ms = clock_monotonic_ms();

	for (HttpConnection *at = connections->first; at != NULL; at = at->next)
		if (at->deadline_ms != HTTP_CONNECTION_NO_DEADLINE && now_ms >= at->deadline_ms)
		{
			shutdown(at->fd, SHUT_RDWR);
			at->deadline_ms = HTTP_CONNECTION_NO_DEADLINE;
		}
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

HttpConnections *
http_connections_new(void)
{
	HttpConnections *connections = calloc(1, sizeof(HttpConnections));
	pthread_condattr_t monotonic;

	if (connections == NULL)
		return NULL;
	pthread_mutex_init(&connections->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&connections->stop_wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&connections->thread, NULL, sweeper_main, connections) == 0)
		return connections;
	pthread_cond_destroy(&connections->stop_wanted);
	pthread_mutex_destroy(&connections->lock);
	free(connections);
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
	pthread_cond_destroy(&connections->stop_wanted);
	pthread_mutex_destroy(&connections->lock);
	free(connections);
}

HttpConnection *
http_connection_add(HttpConnections *connections, int fd, int64_t timeout_ms)
{
	HttpConnection *connection = calloc(1, sizeof(HttpConnection));

	if (connection == NULL)
		return NULL;
	connection->fd = fd;
	connection->deadline_ms = deadline_after(timeout_ms);
	pthread_mutex_lock(&connections->lock);
	connection->next = connections->first;
	if (connection->next != NULL)
		connection->next->previous = connection;
	connections->first = connection;
	pthread_mutex_unlock(&connections->lock);
	return connection;
}

void
http_connection_remove(HttpConnections *connections, HttpConnection *connection)
{
	if (connection == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		connections->first = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
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
