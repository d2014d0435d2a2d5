/*
 * door.c
 *		Three queues of connections, each in the order in which they came, all of one thread.
 *
 * Bytes are looked at and left where they are, so that the library reads them from the beginning.
 * A place of the reserve is free again within milliseconds, whatever its client does: its request
 * is there and has no body, its answer fits into the socket.
 */
#include "http/door.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wait.h"
#include "base/wake.h"
#include "http/request_id.h"

#define TICK_MS			   100
#define EVENTS_AT_ONCE	   64
#define ACCEPTS_AT_ONCE	   64
#define RESERVE_SEND_BYTES (256 * 1024)
#define SHORTAGE_MS		   20 /* without descriptors, before it is tried again */

#define CROWDED "too many connections at once"

typedef struct Visitor
{
	struct Visitor *previous;
	struct Visitor *next;
	int fd;
	HttpKnock knock;  /* and so the queue it is in */
	int64_t since_ms; /* in this queue, by clock_monotonic_ms() */
	HttpClient client;
	struct sockaddr_storage address;
	socklen_t address_bytes;
} Visitor;

typedef struct Queue
{
	Visitor *first; /* the oldest */
	Visitor *last;
} Queue;

struct HttpDoor
{
	HttpDoorPlan plan;
	pthread_t thread;
	int listen_fd;
	int epoll_fd;
	int close_fd;						 /* readable: the door closes */
	Queue queues[HTTP_KNOCK_PROMPT + 1]; /* by HttpKnock; of the thread, as the count */
	size_t waiting;
};

/* Whether the bytes begin with a request for the route, or may still do so (*is_open). */
static bool
request_line_matches(const char *method, const char *pattern, const char *data, size_t bytes,
					 bool *is_open)
{
	const char *const parts[] = {method, " ", pattern};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
	{
		size_t part = strlen(parts[i]);
		size_t compared = part < bytes ? part : bytes;

		if (memcmp(data, parts[i], compared) != 0)
			return false;
		data += compared;
		bytes -= compared;
		if (compared < part)
			break;
	}
	*is_open = *is_open || bytes == 0;
	return bytes > 0 && (*data == ' ' || *data == '?');
}

static bool
names_body(const char *data, size_t bytes)
{
	static const char *const names[] = {"\ncontent-length", "\ntransfer-encoding"};

	for (const char *line = memchr(data, '\n', bytes); line != NULL;
		 line = memchr(line + 1, '\n', (size_t) (data + bytes - line - 1)))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		{
			size_t name = strlen(names[i]);

			if ((size_t) (data + bytes - line) >= name && strncasecmp(line, names[i], name) == 0)
				return true;
		}
	return false;
}

HttpKnock
http_knock_read(const HttpRoute *routes, size_t route_count, const char *data, size_t bytes)
{
	bool is_prompt = false;
	bool is_open = false;

	for (size_t i = 0; i < route_count && !is_prompt; i++)
		is_prompt = routes[i].is_prompt &&
					(request_line_matches("GET", routes[i].pattern, data, bytes, &is_open) ||
					 request_line_matches("HEAD", routes[i].pattern, data, bytes, &is_open));
	if (!is_prompt)
		return is_open ? HTTP_KNOCK_SILENT : HTTP_KNOCK_ORDINARY;
	/* One whose header or body does not come must not take a place of the reserve. */
	if (names_body(data, bytes))
		return HTTP_KNOCK_ORDINARY;
	if (memmem(data, bytes, "\r\n\r\n", 4) != NULL || memmem(data, bytes, "\n\n", 2) != NULL)
		return HTTP_KNOCK_PROMPT;
	return bytes < HTTP_KNOCK_BYTES ? HTTP_KNOCK_SILENT : HTTP_KNOCK_ORDINARY;
}

static void
queue_take(Queue *queue, Visitor *visitor)
{
	*(visitor->previous != NULL ? &visitor->previous->next : &queue->first) = visitor->next;
	*(visitor->next != NULL ? &visitor->next->previous : &queue->last) = visitor->previous;
}

static void
queue_put(HttpDoor *door, Visitor *visitor, HttpKnock knock)
{
	Queue *queue = &door->queues[knock];

	visitor->knock = knock;
	visitor->since_ms = clock_monotonic_ms();
	visitor->next = NULL;
	visitor->previous = queue->last;
	*(queue->last != NULL ? &queue->last->next : &queue->first) = visitor;
	queue->last = visitor;
}

/* The descriptor is the caller's then. */
static int
visitor_take(HttpDoor *door, Visitor *visitor)
{
	int fd = visitor->fd;

	epoll_ctl(door->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	queue_take(&door->queues[visitor->knock], visitor);
	door->waiting--;
	return fd;
}

static void
visitor_dismiss(HttpDoor *door, Visitor *visitor)
{
	close(visitor_take(door, visitor));
	free(visitor);
}

static void
visitor_enter(HttpDoor *door, Visitor *visitor, HttpPlace place)
{
	struct MHD_Daemon *daemon = place == HTTP_PLACE_RESERVE ? door->plan.reserve : door->plan.hall;
	int fd = visitor_take(door, visitor);
	int send_bytes = RESERVE_SEND_BYTES;

	/* The kernel takes all of a prompt answer, whether its client reads or not. */
	if (place == HTTP_PLACE_RESERVE)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	/* The library closes it where it can't take it. */
	if (MHD_add_connection(daemon, fd, (const struct sockaddr *) &visitor->address,
						   visitor->address_bytes) != MHD_YES)
		http_connections_come(door->plan.connections, place);
	free(visitor);
}

/*
 * Those who want prompt answers enter newest first: where more come than can be answered, most are
 * answered at once instead of all too late.
 */
static void
queues_enter(HttpDoor *door)
{
	const Queue *prompt = &door->queues[HTTP_KNOCK_PROMPT];
	const Queue *ordinary = &door->queues[HTTP_KNOCK_ORDINARY];

	while (prompt->last != NULL &&
		   http_connections_admit(door->plan.connections, HTTP_PLACE_RESERVE))
		visitor_enter(door, prompt->last, HTTP_PLACE_RESERVE);
	while (ordinary->first != NULL &&
		   http_connections_admit(door->plan.connections, HTTP_PLACE_HALL))
		visitor_enter(door, ordinary->first, HTTP_PLACE_HALL);
}

/* As every problem; said without the library, which has no place for it. detail is in JSON. */
static void
visitor_refuse(HttpDoor *door, Visitor *visitor, const char *detail)
{
	char discarded[HTTP_KNOCK_BYTES];
	char id[HTTP_REQUEST_ID_BYTES];
	char body[512];
	char answer[1024];

	http_request_id_fill(NULL, id);
	snprintf(body, sizeof(body),
			 "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
			 "\"detail\":\"%s\",\"code\":\"unavailable\",\"request_id\":\"%s\"}",
			 detail, id);
	snprintf(answer, sizeof(answer),
			 "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
			 "X-Request-Id: %s\r\nContent-Type: application/problem+json\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 id, strlen(body), body);
	send(visitor->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(visitor->fd, SHUT_WR);
	/* What is left unread would make the kernel take the answer back. */
	recv(visitor->fd, discarded, sizeof(discarded), MSG_DONTWAIT);
	visitor_dismiss(door, visitor);
}

static bool
visitor_is_old(const Visitor *visitor)
{
	return visitor != NULL && clock_monotonic_ms() - visitor->since_ms >= HTTP_SILENCE_MS;
}

/*
 * The next one that comes may ask for the health: there must be room at the door. Those that have
 * only just come are the last to go, since one may be it.
 */
static void
crowd_thin(HttpDoor *door)
{
	Visitor *silent = door->queues[HTTP_KNOCK_SILENT].first;
	Visitor *ordinary = door->queues[HTTP_KNOCK_ORDINARY].first;
	Visitor *prompt = door->queues[HTTP_KNOCK_PROMPT].first;

	if (visitor_is_old(silent))
		visitor_dismiss(door, silent);
	else if (ordinary != NULL)
		visitor_refuse(door, ordinary, CROWDED);
	else if (silent == NULL || visitor_is_old(prompt))
		visitor_dismiss(door, prompt);
	else
		visitor_dismiss(door, silent);
}

static void
queues_serve(HttpDoor *door)
{
	const Queue *silent = &door->queues[HTTP_KNOCK_SILENT];
	const Queue *ordinary = &door->queues[HTTP_KNOCK_ORDINARY];
	const Queue *prompt = &door->queues[HTTP_KNOCK_PROMPT];
	int64_t late_ms = clock_monotonic_ms() - door->plan.timeout_ms;

	queues_enter(door);
	while (silent->first != NULL && silent->first->since_ms <= late_ms)
		visitor_dismiss(door, silent->first);
	while (ordinary->first != NULL && ordinary->first->since_ms <= late_ms)
		visitor_refuse(door, ordinary->first, CROWDED);
	while (prompt->first != NULL && prompt->first->since_ms <= late_ms)
		visitor_dismiss(door, prompt->first);
}

/* Of a client at the door. */
typedef struct Company
{
	size_t counts[HTTP_KNOCK_PROMPT + 1]; /* by HttpKnock */
	Visitor *silent;					  /* the oldest, or NULL */
} Company;

static Company
company_find(const HttpDoor *door, const HttpClient *client)
{
	Company company = {.silent = NULL};

	for (HttpKnock knock = HTTP_KNOCK_SILENT; knock <= HTTP_KNOCK_PROMPT; knock++)
		for (Visitor *at = door->queues[knock].first; at != NULL; at = at->next)
			if (http_client_equals(&at->client, client))
			{
				company.counts[knock]++;
				if (company.silent == NULL && knock == HTTP_KNOCK_SILENT)
					company.silent = at;
			}
	return company;
}

/*
 * For one that has not said yet what it wants: it may be the health. So a client that has all its
 * connections may have as many more here as the reserve takes; of those the silent ones give way.
 */
static bool
silent_room_make(HttpDoor *door, const HttpClient *client)
{
	if (!http_connections_bound_clients(door->plan.connections))
		return true;

	const Company company = company_find(door, client);
	size_t unasked = company.counts[HTTP_KNOCK_SILENT] + company.counts[HTTP_KNOCK_PROMPT];
	size_t waiting = unasked + company.counts[HTTP_KNOCK_ORDINARY];

	if (http_connections_client_has_room(door->plan.connections, client, waiting, false) ||
		(unasked < HTTP_RESERVE_MAX && !visitor_is_old(company.silent)))
		return true;
	if (company.silent != NULL)
		visitor_dismiss(door, company.silent);
	return company.silent != NULL;
}

/* For one that wants something ordinary: a silent one of its client's in the hall makes room. */
static bool
ordinary_room_make(HttpDoor *door, const HttpClient *client)
{
	if (!http_connections_bound_clients(door->plan.connections))
		return true;

	const Company company = company_find(door, client);

	return http_connections_client_has_room(door->plan.connections, client,
											company.counts[HTTP_KNOCK_ORDINARY], true);
}

static void
visitor_come(HttpDoor *door, int fd, const struct sockaddr_storage *address, socklen_t bytes)
{
	Visitor *visitor = calloc(1, sizeof(Visitor));
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = visitor};

	if (visitor == NULL)
	{
		close(fd);
		return;
	}
	visitor->fd = fd;
	visitor->client = http_client_of((const struct sockaddr *) address);
	visitor->address = *address;
	visitor->address_bytes = bytes;
	if (!silent_room_make(door, &visitor->client) ||
		epoll_ctl(door->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
	{
		close(fd);
		free(visitor);
		return;
	}
	if (door->waiting >= door->plan.waiting_max)
		crowd_thin(door);
	queue_put(door, visitor, HTTP_KNOCK_SILENT);
	door->waiting++;
}

static void
visitors_accept(HttpDoor *door)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++)
	{
		struct sockaddr_storage address;
		socklen_t bytes = sizeof(address);
		int fd = accept4(door->listen_fd, (struct sockaddr *) &address, &bytes,
						 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			visitor_come(door, fd, &address, bytes);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR && errno != ECONNABORTED)
		{
			/* Short of descriptors or memory: what waits here is the first to go. */
			if (door->waiting > 0)
				crowd_thin(door);
			wait_pause(door->close_fd, SHORTAGE_MS);
			return;
		}
	}
}

static void
visitor_look(HttpDoor *door, Visitor *visitor, uint32_t events)
{
	char data[HTTP_KNOCK_BYTES];
	ssize_t bytes = 0;
	HttpKnock knock = visitor->knock;

	if (events & (EPOLLHUP | EPOLLERR))
	{
		visitor_dismiss(door, visitor);
		return;
	}
	if (knock != HTTP_KNOCK_SILENT)
		return;
	bytes = recv(visitor->fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
	if (bytes > 0)
		knock = http_knock_read(door->plan.routes, door->plan.route_count, data, (size_t) bytes);
	/* A client that has closed its side, and has not asked for anything whole. */
	if (knock == HTTP_KNOCK_SILENT && (events & EPOLLRDHUP))
		visitor_dismiss(door, visitor);
	else if (knock == HTTP_KNOCK_ORDINARY && !ordinary_room_make(door, &visitor->client))
		visitor_dismiss(door, visitor);
	else if (knock != HTTP_KNOCK_SILENT)
	{
		queue_take(&door->queues[HTTP_KNOCK_SILENT], visitor);
		queue_put(door, visitor, knock);
	}
}

static void *
door_main(void *argument)
{
	HttpDoor *door = argument;
	bool is_closing = false;

	while (!is_closing)
	{
		struct epoll_event events[EVENTS_AT_ONCE];
		int count = epoll_wait(door->epoll_fd, events, EVENTS_AT_ONCE, TICK_MS);
		bool has_visitors = false;

		/* A visitor is in there once, and nobody else is dismissed before all were looked at. */
		for (int i = 0; i < count; i++)
			if (events[i].data.ptr == &door->listen_fd)
				has_visitors = true;
			else if (events[i].data.ptr == &door->close_fd)
				is_closing = true;
			else if (events[i].data.ptr == door->plan.connections)
				wake_take(http_connections_room_fd(door->plan.connections));
			else
				visitor_look(door, events[i].data.ptr, events[i].events);
		queues_serve(door);
		if (has_visitors)
			visitors_accept(door);
	}
	return NULL;
}

static bool
door_watch(HttpDoor *door, int fd, void *name)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = name};

	return epoll_ctl(door->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
door_free(HttpDoor *door)
{
	while (door->queues[HTTP_KNOCK_SILENT].first != NULL)
		visitor_dismiss(door, door->queues[HTTP_KNOCK_SILENT].first);
	for (HttpKnock knock = HTTP_KNOCK_ORDINARY; knock <= HTTP_KNOCK_PROMPT; knock++)
		while (door->queues[knock].first != NULL)
			visitor_refuse(door, door->queues[knock].first, "the service is stopping");
	if (door->epoll_fd >= 0)
		close(door->epoll_fd);
	if (door->close_fd >= 0)
		close(door->close_fd);
	free(door);
}

HttpDoor *
http_door_open(const HttpDoorPlan *plan, int listen_fd)
{
	HttpDoor *door = calloc(1, sizeof(HttpDoor));

	if (door == NULL)
		return NULL;
	door->plan = *plan;
	door->listen_fd = listen_fd;
	door->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	door->close_fd = wake_new();
	if (door->epoll_fd >= 0 && door->close_fd >= 0 &&
		door_watch(door, listen_fd, &door->listen_fd) &&
		door_watch(door, door->close_fd, &door->close_fd) &&
		door_watch(door, http_connections_room_fd(plan->connections), plan->connections) &&
		pthread_create(&door->thread, NULL, door_main, door) == 0)
		return door;
	door_free(door);
	return NULL;
}

void
http_door_close(HttpDoor *door)
{
	if (door == NULL)
		return;
	wake_set(door->close_fd);
	pthread_join(door->thread, NULL);
	close(door->listen_fd);
	door_free(door);
}
