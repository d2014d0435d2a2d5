/*
 * http_server.c
 *		libmicrohttpd behind a table of routes.
 *
 * A request lives from MHD's first call for it to its completion and belongs to one thread of the
 * pool all that time; nothing here is shared between threads but the server's own constants.
 */
#include "http_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_response.h"
#include "log.h"

#define RESPONSE_HEADERS_MAX	8
#define CONNECTION_MEMORY_BYTES (32 * 1024)	  /* request line, headers and buffers of a client */
#define DISCARD_BYTES_MAX		(1024 * 1024) /* read of a body that is too large anyway */
#define LISTEN_BACKLOG			128

struct HttpServer
{
	struct MHD_Daemon *daemon;
	const HttpRoute *routes;
	size_t route_count;
	size_t body_bytes_max;
	uint16_t port;
};

struct HttpRequest
{
	struct MHD_Connection *connection;
	const char *method;
	char *path;
	char *body;
	size_t body_bytes;
	size_t discarded_bytes;
	bool body_too_large;
	bool headers_seen;
	HttpMatch match;
};

const ConfigOption http_options[] = {
	{
		.flag = "listen-address",
		.environment = "LISTEN_ADDRESS",
		.type = CONFIG_STRING,
		.offset = offsetof(HttpOptions, listen_address),
		.default_text = "127.0.0.1",
		.value_name = "ADDRESS",
		.help = "Address of the HTTP endpoints; 0.0.0.0 or :: for all interfaces.",
	},
	{
		.flag = "http-connections-max",
		.environment = "HTTP_CONNECTIONS_MAX",
		.type = CONFIG_INTEGER,
		.offset = offsetof(HttpOptions, connections_max),
		.default_text = "64",
		.minimum = 2,
		.maximum = 10000,
		.help = "More HTTP clients than these wait to be accepted.",
	},
	{
		.flag = "http-idle-timeout",
		.environment = "HTTP_IDLE_TIMEOUT",
		.type = CONFIG_DURATION,
		.offset = offsetof(HttpOptions, idle_timeout_ms),
		.default_text = "15s",
		.minimum = 1000,
		.maximum = 3600000,
		.help = "A connection without traffic for so long is closed.",
	},
	CONFIG_OPTIONS_END,
};

const char *
http_request_method(const HttpRequest *request)
{
	return request->method;
}

const char *
http_request_path(const HttpRequest *request)
{
	return request->path;
}

const char *
http_request_parameter(const HttpRequest *request, const char *name)
{
	for (size_t i = 0; i < request->match.parameter_count; i++)
		if (strcmp(request->match.parameters[i].name, name) == 0)
			return request->match.parameters[i].value;
	return NULL;
}

const char *
http_request_query(const HttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *
http_request_header(const HttpRequest *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *
http_request_body(const HttpRequest *request, size_t *bytes)
{
	*bytes = request->body_bytes;
	return request->body != NULL ? request->body : "";
}

static enum MHD_Result
request_answer(const HttpServer *server, HttpRequest *request)
{
	HttpResponse response = {0};

	if (request->body_too_large)
	{
		http_response_problem(&response, MHD_HTTP_CONTENT_TOO_LARGE, NULL);
		http_response_header(&response, MHD_HTTP_HEADER_CONNECTION, "close");
		return http_response_send(request->connection, &response);
	}
	switch (http_route_match(server->routes, server->route_count, request->method, request->path,
							 &request->match))
	{
		case HTTP_MATCH_NO_PATH:
			http_response_problem(&response, MHD_HTTP_NOT_FOUND, NULL);
			break;
		case HTTP_MATCH_NO_METHOD:
			http_response_problem(&response, MHD_HTTP_METHOD_NOT_ALLOWED, NULL);
			http_response_header(&response, MHD_HTTP_HEADER_ALLOW, request->match.allow);
			break;
		case HTTP_MATCH_FOUND:
			request->match.route->handler(request, &response, request->match.route->context);
			break;
	}
	if (response.status == 0)
		http_response_problem(&response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
	return http_response_send(request->connection, &response);
}

static void
request_free(HttpRequest *request)
{
	free(request->path);
	free(request->body);
	free(request);
}

/* Keeps a piece of the body; beyond the bound it only notes that there was too much. */
static void
body_append(const HttpServer *server, HttpRequest *request, const char *data, size_t bytes)
{
	if (request->body_too_large || bytes > server->body_bytes_max - request->body_bytes)
	{
		request->body_too_large = true;
		request->discarded_bytes += bytes;
		return;
	}

	char *body = realloc(request->body, request->body_bytes + bytes + 1);

	if (body == NULL)
	{
		request->body_too_large = true;
		return;
	}
	memcpy(body + request->body_bytes, data, bytes);
	request->body = body;
	request->body_bytes += bytes;
	body[request->body_bytes] = '\0';
}

/* A length that is announced too large is answered before the body is read. */
static bool
announced_too_large(const HttpServer *server, struct MHD_Connection *connection)
{
	const char *length =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length != NULL && strtoull(length, NULL, 10) > server->body_bytes_max;
}

/* The path of a request target, as it was sent: no query, and no host of an absolute form. */
static char *
target_path_copy(const char *target)
{
	const char *scheme_end = strstr(target, "://");

	if (target[0] != '/' && scheme_end != NULL)
		target = scheme_end + 3 + strcspn(scheme_end + 3, "/?");
	return strndup(target, strcspn(target, "?"));
}

/*
 * MHD's first call for a request; what it returns is the *state of the later ones. Only here the
 * target is whole and not yet decoded: a %2F must not become a separator.
 */
static void *
request_begin(void *context, const char *target, struct MHD_Connection *connection)
{
	HttpRequest *request = calloc(1, sizeof(HttpRequest));

	(void) context;
	if (request == NULL)
		return NULL;
	request->connection = connection;
	request->path = target_path_copy(target);
	return request;
}

/* MHD: once after the headers, then for each piece of the body, then once more without any. */
static enum MHD_Result
request_handle(void *context, struct MHD_Connection *connection, const char *path,
			   const char *method, const char *version, const char *data, size_t *bytes,
			   void **state)
{
	const HttpServer *server = context;
	HttpRequest *request = *state;

	(void) path;
	(void) version;
	if (request == NULL || request->path == NULL)
		return MHD_NO;
	if (!request->headers_seen)
	{
		request->headers_seen = true;
		request->method = method;
		request->body_too_large = announced_too_large(server, connection);
		return request->body_too_large ? request_answer(server, request) : MHD_YES;
	}
	if (*bytes > 0)
	{
		body_append(server, request, data, *bytes);
		*bytes = 0;
		return request->discarded_bytes > DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
	}
	return request_answer(server, request);
}

static void
request_complete(void *context, struct MHD_Connection *connection, void **state,
				 enum MHD_RequestTerminationCode code)
{
	(void) context;
	(void) connection;
	(void) code;
	if (*state != NULL)
		request_free(*state);
	*state = NULL;
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

static Status
listen_error(const HttpOptions *options, const char *reason)
{
	return status_fatal(EXIT_CODE_CONFIGURATION, "cannot listen on %s, port %d: %s",
						options->listen_address, (int) options->port, reason);
}

static int
socket_bind(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	/* Connections of the process before us that linger in TIME_WAIT must not hold the port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;

	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
	return -1;
}

static Status
socket_listen(const HttpOptions *options, int *fd)
{
	const struct addrinfo wanted = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	char port[16];

	snprintf(port, sizeof(port), "%d", (int) options->port);

	int failure = getaddrinfo(options->listen_address, port, &wanted, &addresses);

	if (failure != 0)
		return listen_error(options, gai_strerror(failure));
	*fd = socket_bind(addresses);

	Status status = *fd >= 0 ? status_ok() : listen_error(options, strerror(errno));

	freeaddrinfo(addresses);
	return status;
}

static uint16_t
socket_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t bytes = sizeof(address);

	memset(&address, 0, sizeof(address));
	getsockname(fd, (struct sockaddr *) &address, &bytes);
	if (address.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *) &address)->sin6_port);
	return ntohs(((const struct sockaddr_in *) &address)->sin_port);
}

static struct MHD_Daemon *
daemon_new(HttpServer *server, const HttpOptions *options, int fd)
{
	unsigned threads = options->thread_count > 1 ? (unsigned) options->thread_count : 1;
	unsigned connections = (unsigned) options->connections_max;

	/* A pool of one is refused; every thread of a pool needs room for a connection. */
	const struct MHD_OptionItem pool[] = {
		{threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t) threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
		NULL, request_handle, server, MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, request_begin, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, request_complete, NULL, MHD_OPTION_CONNECTION_LIMIT,
		connections > threads ? connections : threads, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned) ((options->idle_timeout_ms + 999) / 1000), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) CONNECTION_MEMORY_BYTES, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
}

Status
http_server_start(const HttpOptions *options, const HttpRoute *routes, size_t route_count,
				  HttpServer **server)
{
	HttpServer *made = NULL;
	int fd = -1;
	Status status = socket_listen(options, &fd);

	*server = NULL;
	if (!status_is_ok(&status))
		return status;
	made = calloc(1, sizeof(HttpServer));
	if (made == NULL)
	{
		status = status_bug("out of memory");
		goto cleanup;
	}
	made->routes = routes;
	made->route_count = route_count;
	made->body_bytes_max = (size_t) options->body_bytes_max;
	made->port = socket_port(fd);
	made->daemon = daemon_new(made, options, fd);
	if (made->daemon == NULL)
	{
		status = listen_error(options, "the HTTP library refused to start");
		goto cleanup;
	}
	*server = made;
	return status;

cleanup:
	free(made);
	close(fd);
	return status;
}

uint16_t
http_server_port(const HttpServer *server)
{
	return server->port;
}

void
http_server_stop(HttpServer **server)
{
	if (*server == NULL)
		return;
	MHD_stop_daemon((*server)->daemon);
	free(*server);
	*server = NULL;
}
