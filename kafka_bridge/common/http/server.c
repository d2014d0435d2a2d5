/*
 * server.c
 *		libmicrohttpd behind a table of routes.
 *
 * Nothing here is shared between threads but the server's constants and the counter of requests
 * that are being worked on. The library accepts nothing itself: connections come in by the door.
 */
#include "http/server.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "http/access_log.h"
#include "http/admission.h"
#include "http/connection.h"
#include "http/door.h"
#include "http/fields.h"
#include "http/listen.h"
#include "http/request.h"
#include "http/response.h"
#include "observe/log.h"
#include "base/wait.h"

#define CONNECTION_MEMORY_BYTES (32 * 1024)	  /* request line, headers and buffers of a client */
#define DISCARD_BYTES_MAX		(1024 * 1024) /* read of a body that is too large anyway */
#define BODIES_BYTES_DEFAULT	(32 * 1024 * 1024)
#define ANSWER_BYTES_LARGE		(64 * 1024)
#define ANSWERS_BYTES_DEFAULT	(32 * 1024 * 1024)
#define ANSWER_TIMEOUT_MS		60000 /* for the client to read a whole answer */
#define DRAIN_TICK_MS			10
#define WAITING_LEAST			256 /* connections at the door */
#define DESCRIPTORS_ELSEWHERE	600 /* of a program: pools of connections, Kafka, files */

/* Where the library serves connections: the context of its callbacks. */
typedef struct HttpRoom
{
	HttpServer *server;
	HttpPlace place;
	struct MHD_Daemon *daemon;
} HttpRoom;

struct HttpServer
{
	HttpRoom rooms[HTTP_PLACES];
	HttpConnections *connections;
	HttpDoor *door; /* until it drains */
	HttpPlan plan;
	HttpAdmission admission;
	HttpAccessLog access_log;
	size_t body_bytes_max;
	size_t bodies_bytes_max;
	atomic_size_t bodies_bytes; /* received of requests that are not answered yet */
	HttpBudget answers;			/* large answers that are not read yet */
	size_t client_requests_max;
	int64_t request_timeout_ms;
	int64_t idle_timeout_ms;
	unsigned connections_max;
	unsigned waiting_max;
	uint16_t port;
	atomic_long requests; /* between their last byte and the end of their answer */
	atomic_bool draining;
};

void
http_request_defer(HttpRequest *request)
{
	request->is_deferred = true;
	MHD_suspend_connection(request->connection);
}

void
http_request_finish(HttpRequest *request)
{
	MHD_resume_connection(request->connection);
}

static void
request_count(HttpServer *server, HttpRequest *request)
{
	request->is_counted = true;
	atomic_fetch_add(&server->requests, 1);
}

static void
request_uncount(HttpServer *server, HttpRequest *request)
{
	if (request->is_counted)
		atomic_fetch_sub(&server->requests, 1);
	request->is_counted = false;
}

static bool
is_in_reserve(const HttpRequest *request)
{
	return http_connection_place(request->guard) == HTTP_PLACE_RESERVE;
}

static void
busy_answer(HttpResponse *response, const char *detail)
{
	http_response_problem(response, MHD_HTTP_SERVICE_UNAVAILABLE, detail);
	http_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

/*
 * Many clients that do not read their large answers must not fill the memory together. What an
 * operation answers is small; it is done, and told.
 */
static void
answer_reserve(HttpRequest *request)
{
	HttpResponse *response = &request->response;
	bool is_read = strcmp(request->method, "POST") != 0;

	if (!is_read || !response->body_is_owned || response->bytes < ANSWER_BYTES_LARGE)
		return;
	if (request->answer_bytes == 0 && !http_request_grant(request, response->bytes))
		busy_answer(response, "too many large answers at once");
}

/* Nobody reads the body any more: its room is free before the client can know of the answer. */
static void
body_release(HttpServer *server, HttpRequest *request)
{
	http_request_body_free(request);
	atomic_fetch_sub(&server->bodies_bytes, request->reserved_bytes);
	request->reserved_bytes = 0;
}

static enum MHD_Result
request_send(HttpServer *server, HttpRequest *request)
{
	HttpResponse *response = &request->response;
	const HttpRoute *route = request->match.route;
	bool is_stream = response->message != NULL;

	if (response->status == 0)
		http_response_problem(response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
	body_release(server, request);
	answer_reserve(request);
	if (atomic_load(&server->draining) || is_in_reserve(request))
		http_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	http_connection_limit(server->connections, request->guard,
						  is_stream ? HTTP_CONNECTION_NO_DEADLINE : ANSWER_TIMEOUT_MS);
	/* A stream has limits of its own; for the rest of an answer the client is waited for. */
	http_connection_work(server->connections, request->guard, is_stream);
	if (server->plan.observer != NULL)
		server->plan.observer(route != NULL ? route->label : 0, response->status,
							  clock_monotonic_us() - request->begun_us,
							  server->plan.observer_context);
	http_access_log(server->access_log, request);
	if (is_stream)
		request_uncount(server, request);
	return http_response_send(request->connection, response);
}

static size_t
request_body_max(const HttpServer *server, const HttpRequest *request)
{
	const HttpRoute *route = request->match.route;

	return route != NULL && route->body_bytes_max > 0 ? route->body_bytes_max
													  : server->body_bytes_max;
}

static void
body_refuse(const HttpServer *server, HttpRequest *request)
{
	size_t most = request_body_max(server, request);
	char detail[64];

	snprintf(detail, sizeof(detail), "the body may have at most %zu bytes", most);
	http_response_problem_members(&request->response, MHD_HTTP_CONTENT_TOO_LARGE, detail,
								  json_pack("{s:I}", "limit_bytes", (json_int_t) most));
}

/* What is answered as it stands: nothing more is read of the connection. */
static enum MHD_Result
request_refuse(HttpServer *server, HttpRequest *request)
{
	if (request->refusal != 0)
		http_response_problem(&request->response, request->refusal, request->reason);
	else
		body_refuse(server, request);
	http_response_header(&request->response, MHD_HTTP_HEADER_CONNECTION, "close");
	return request_send(server, request);
}

/* The request itself is among those that are worked on; the reserve has no part in that. */
static bool
client_is_busy(const HttpServer *server, const HttpRequest *request)
{
	return server->client_requests_max > 0 && !is_in_reserve(request) &&
		   http_connections_worked(server->connections, http_connection_client(request->guard)) >
			   server->client_requests_max;
}

static enum MHD_Result
request_answer(HttpServer *server, HttpRequest *request)
{
	HttpResponse *response = &request->response;

	request_count(server, request);
	http_connection_limit(server->connections, request->guard, HTTP_CONNECTION_NO_DEADLINE);
	http_connection_work(server->connections, request->guard, true);
	if (request->refusal != 0 || request->body_too_large)
		return request_refuse(server, request);
	if (request->body_has_no_room || client_is_busy(server, request))
	{
		busy_answer(response, "too many requests at once");
		return request_send(server, request);
	}
	switch (request->match_result)
	{
		case HTTP_MATCH_NO_PATH:
			http_response_problem(response, MHD_HTTP_NOT_FOUND, "there is no such path");
			break;
		case HTTP_MATCH_NO_METHOD:
			http_response_problem(response, MHD_HTTP_METHOD_NOT_ALLOWED,
								  "the path has other methods: see Allow");
			http_response_header(response, MHD_HTTP_HEADER_ALLOW, request->match.allow);
			break;
		case HTTP_MATCH_FOUND:
			if (http_admission_enter(&server->admission, request))
				request->match.route->handler(request, response, request->match.route->context);
			break;
	}
	return request->is_deferred ? MHD_YES : request_send(server, request);
}

static HttpConnection *
connection_guard(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/*
 * MHD's first call for a request; what it returns is the *state of the later ones. Only here the
 * target is whole and not yet decoded: a %2F must not become a separator.
 */
static void *
request_begin(void *context, const char *target, struct MHD_Connection *connection)
{
	HttpConnection *owner = connection_guard(connection);
	HttpRequest *request = owner != NULL ? http_request_new(connection, target) : NULL;

	(void) context;
	if (request == NULL)
		return NULL;
	request->guard = owner;
	http_request_free(http_connection_request_set(owner, request));
	return request;
}

/* All that is known of a request before its body. */
static void
headers_take(HttpServer *server, HttpRequest *request, const char *version)
{
	request->answers = &server->answers;
	http_request_id_fill(http_request_header(request, "X-Request-Id"), request->id);
	request->response.request_id = request->id;
	request->match_result = http_route_match(server->plan.routes, server->plan.route_count,
											 request->method, request->path, &request->match);
	request->refusal = http_fields_check(request->connection, version, request->reason);
	if (request->refusal == 0 && !http_admission_host(&server->admission, request))
	{
		request->refusal = MHD_HTTP_MISDIRECTED_REQUEST;
		snprintf(request->reason, sizeof(request->reason),
				 "the Host is no name of this server: see HTTP_HOSTS");
	}
	request->body_too_large =
		http_request_announces_more(request, request_body_max(server, request));
}

/* Many clients that each send a body within the bound must not fill the memory together. */
static void
body_take(HttpServer *server, HttpRequest *request, const char *data, size_t bytes)
{
	size_t others = atomic_fetch_add(&server->bodies_bytes, bytes);

	request->reserved_bytes += bytes;
	if (others + bytes > server->bodies_bytes_max)
		request->body_has_no_room = true;
	if (!request->body_has_no_room)
		http_request_body_append(request, request_body_max(server, request), data, bytes);
	else
		request->discarded_bytes += bytes;
}

/*
 * MHD: once after the headers, then for each piece of the body, then once more without any; of a
 * deferred request once more when it is finished.
 */
static enum MHD_Result
request_handle(void *context, struct MHD_Connection *connection, const char *path,
			   const char *method, const char *version, const char *data, size_t *bytes,
			   void **state)
{
	HttpServer *server = ((const HttpRoom *) context)->server;
	HttpRequest *request = *state;

	(void) connection;
	(void) path;
	if (request == NULL)
		return MHD_NO;
	if (!request->headers_seen)
	{
		request->headers_seen = true;
		request->method = method;
		headers_take(server, request, version);
		return request->refusal != 0 || request->body_too_large ? request_answer(server, request)
																: MHD_YES;
	}
	if (*bytes > 0)
	{
		body_take(server, request, data, *bytes);
		*bytes = 0;
		return request->discarded_bytes > DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
	}
	return request->is_deferred ? request_send(server, request) : request_answer(server, request);
}

static void
request_complete(void *context, struct MHD_Connection *connection, void **state,
				 enum MHD_RequestTerminationCode code)
{
	HttpServer *server = ((const HttpRoom *) context)->server;
	HttpRequest *request = *state;

	(void) connection;
	(void) code;
	if (request == NULL)
		return;
	request_uncount(server, request);
	/* Of a client that left before its answer. */
	body_release(server, request);
	http_request_grants_end(request);
	/*
	 * Of a client that is kept: for the next request, should it begin one before it counts as idle.
	 */
	http_connection_limit(server->connections, request->guard,
						  server->idle_timeout_ms + server->request_timeout_ms);
	http_connection_work(server->connections, request->guard, false);
	http_connection_request_set(request->guard, NULL);
	http_request_free(request);
	*state = NULL;
}

static void
connection_notice(void *context, struct MHD_Connection *connection, void **socket_context,
				  enum MHD_ConnectionNotificationCode code)
{
	const HttpRoom *room = context;
	const HttpServer *server = room->server;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		/* Copied: since 1.0 the library gives the next answer in the same place. */
		int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		const union MHD_ConnectionInfo *peer =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

		*socket_context = http_connection_add(server->connections, room->place, fd,
											  peer->client_addr, server->request_timeout_ms);
		if (*socket_context == NULL)
			shutdown(fd, SHUT_RDWR);
		return;
	}
	if (*socket_context != NULL)
		http_request_free(http_connection_request_set(*socket_context, NULL));
	http_connection_remove(server->connections, *socket_context);
	*socket_context = NULL;
}

static void __attribute__((format(printf, 2, 0)))
library_log(void *context, const char *format, va_list arguments)
{
	char text[512];

	(void) context;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http", log_text("text", text));
}

/* Clients must leave descriptors for the rest: without one no lost connection could be renewed. */
static void
connections_allow(HttpServer *server, int64_t wanted)
{
	int64_t waiting = wanted > WAITING_LEAST ? wanted : WAITING_LEAST;
	int64_t descriptors =
		descriptors_raise(wanted + waiting + HTTP_RESERVE_MAX + DESCRIPTORS_ELSEWHERE);
	int64_t allowed = descriptors - descriptors / 4 - HTTP_RESERVE_MAX;

	server->connections_max = (unsigned) (wanted < allowed / 2 ? wanted : allowed / 2);
	if (waiting > allowed - server->connections_max)
		waiting = allowed - server->connections_max;
	server->waiting_max = (unsigned) waiting;
	if (server->connections_max < wanted)
		log_warning("HTTP_CONNECTIONS_MAX is more than the limit of open files allows",
					log_integer("limit", descriptors),
					log_integer("connections_max", server->connections_max));
}

/* The connections are counted before the library gets them: its own limit is never reached. */
static bool
room_open(HttpServer *server, const HttpOptions *options, HttpPlace place)
{
	HttpRoom *room = &server->rooms[place];
	bool is_hall = place == HTTP_PLACE_HALL;
	unsigned threads = is_hall && options->thread_count > 1 ? (unsigned) options->thread_count : 1;
	unsigned connections = is_hall ? server->connections_max : HTTP_RESERVE_MAX;

	const struct MHD_OptionItem more[] = {
#if MHD_VERSION >= 0x01000000
		/* No folded lines and none that end in a bare LF, which a proxy may read otherwise. */
		{MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL},
#endif
		/* A pool of one is refused; the limit is divided among its threads. */
		{threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t) threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	*room = (HttpRoom){.server = server, .place = place};
	room->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC | MHD_USE_ERROR_LOG |
			MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET,
		0, NULL, NULL, request_handle, room, MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, request_begin, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		request_complete, room, MHD_OPTION_NOTIFY_CONNECTION, connection_notice, room,
		MHD_OPTION_CONNECTION_LIMIT, (connections + 1) * 2 * threads, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned) ((options->idle_timeout_ms + 999) / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) CONNECTION_MEMORY_BYTES, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
	return room->daemon != NULL;
}

static void
server_free(HttpServer *server)
{
	http_door_close(server->door);
	for (size_t i = 0; i < HTTP_PLACES; i++)
		if (server->rooms[i].daemon != NULL)
			MHD_stop_daemon(server->rooms[i].daemon);
	http_connections_free(server->connections);
	http_admission_end(&server->admission);
	free(server);
}

static HttpServer *
server_new(const HttpOptions *options, const HttpPlan *plan, int fd)
{
	HttpServer *server = calloc(1, sizeof(HttpServer));

	if (server == NULL)
		return NULL;
	server->plan = *plan;
	http_admission_begin(&server->admission, options->hosts);
	server->access_log = (HttpAccessLog) options->access_log;
	server->body_bytes_max = (size_t) options->body_bytes_max;
	server->bodies_bytes_max = options->bodies_bytes_max > 0 ? (size_t) options->bodies_bytes_max
															 : (size_t) BODIES_BYTES_DEFAULT;
	server->answers.most = options->answers_bytes_max > 0 ? (size_t) options->answers_bytes_max
														  : (size_t) ANSWERS_BYTES_DEFAULT;
	server->client_requests_max = (size_t) options->client_requests_max;
	server->request_timeout_ms = options->request_timeout_ms;
	server->idle_timeout_ms = options->idle_timeout_ms;
	server->port = http_listen_port(fd);
	connections_allow(server, options->connections_max);
	server->connections = http_connections_new(&(const HttpConnectionLimits){
		.most = server->connections_max,
		.per_client = (size_t) options->client_connections_max,
	});
	if (server->connections != NULL)
		return server;
	server_free(server);
	return NULL;
}

static bool
server_open(HttpServer *server, const HttpOptions *options, int fd)
{
	if (!room_open(server, options, HTTP_PLACE_HALL) ||
		!room_open(server, options, HTTP_PLACE_RESERVE))
		return false;
	server->door = http_door_open(
		&(const HttpDoorPlan){
			.connections = server->connections,
			.routes = server->plan.routes,
			.route_count = server->plan.route_count,
			.hall = server->rooms[HTTP_PLACE_HALL].daemon,
			.reserve = server->rooms[HTTP_PLACE_RESERVE].daemon,
			.waiting_max = server->waiting_max,
			.timeout_ms = server->request_timeout_ms,
		},
		fd);
	return server->door != NULL;
}

Status
http_server_start(const HttpOptions *options, const HttpPlan *plan, HttpServer **server)
{
	int fd = -1;
	Status status = http_listen(options, &fd);

	*server = NULL;
	if (!status_is_ok(&status))
		return status;

	HttpServer *made = server_new(options, plan, fd);

	if (made == NULL)
	{
		close(fd);
		return status_bug("out of memory");
	}
	status = http_admission_tokens_set(&made->admission, options);
	if (status_is_ok(&status) && !server_open(made, options, fd))
		status = http_listen_error(options, "the HTTP library refused to start");
	if (!status_is_ok(&status))
	{
		server_free(made);
		close(fd);
		return status;
	}
	*server = made;
	return status;
}

Status
http_server_tokens_set(HttpServer *server, const HttpOptions *options)
{
	return http_admission_tokens_set(&server->admission, options);
}

uint16_t
http_server_port(const HttpServer *server)
{
	return server->port;
}

bool
http_server_drain(HttpServer *server, int64_t timeout_ms)
{
	int64_t end_ms = clock_monotonic_ms() + timeout_ms;

	atomic_store(&server->draining, true);
	http_door_close(server->door);
	server->door = NULL;
	while (atomic_load(&server->requests) > 0 && clock_monotonic_ms() < end_ms)
		wait_pause(-1, DRAIN_TICK_MS);
	return atomic_load(&server->requests) == 0;
}

void
http_server_stop(HttpServer **server)
{
	if (*server == NULL)
		return;
	server_free(*server);
	*server = NULL;
}
