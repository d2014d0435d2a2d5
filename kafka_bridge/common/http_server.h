/*
 * http_server.h
 *		A small HTTP server over libmicrohttpd: a table of routes, a few threads, bounds on
 *		everything a client can send.
 *
 * Unknown paths are answered 404, other methods 405 with Allow, bodies over the bound 413, each
 * as application/problem+json. Handlers see a request only until they return.
 *
 * Call order: http_server_start(), http_server_stop(). The routes and their contexts must outlive
 * the server.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "http_route.h"
#include "status.h"

typedef struct HttpOptions
{
	char *listen_address; /* name or address; 127.0.0.1 unless told */
	int64_t port;		  /* 0: any free one */
	int64_t connections_max;
	int64_t idle_timeout_ms;
	int64_t body_bytes_max; /* 0: no request may have a body; not an option, set by the program */
	int64_t thread_count;	/* 0: one; not an option, set by the program */
} HttpOptions;

/* LISTEN_ADDRESS, HTTP_CONNECTIONS_MAX, HTTP_IDLE_TIMEOUT. The port is the program's own row: */
extern const ConfigOption http_options[];

/*
 * member is the port in config_type, as in (HttpOptions, port, "BRIDGE_PORT", "3002"). own_variable
 * is read before PORT, so that one file can serve several programs.
 */
#define HTTP_PORT_OPTION(config_type, member, own_variable, default_port)          \
	{                                                                              \
		.flag = "port", .environment = own_variable, .environment_shared = "PORT", \
		.type = CONFIG_INTEGER, .offset = offsetof(config_type, member),           \
		.default_text = default_port, .minimum = 0, .maximum = 65535,              \
		.help = "TCP port of the HTTP endpoints; 0 takes any free one."            \
	}

typedef struct HttpServer HttpServer;

/* A port that is taken or an address that is not ours: FATAL, EXIT_CODE_CONFIGURATION. */
Status http_server_start(const HttpOptions *options, const HttpRoute *routes, size_t route_count,
						 HttpServer **server);

/* The port it listens on. */
uint16_t http_server_port(const HttpServer *server);

/* Waits for running handlers, closes all connections, frees, sets to NULL; NULL is fine. */
void http_server_stop(HttpServer **server);

/* All return NULL when absent; texts live as long as the request. Values are decoded. */
const char *http_request_method(const HttpRequest *request);
const char *http_request_path(const HttpRequest *request);
const char *http_request_parameter(const HttpRequest *request, const char *name);
const char *http_request_query(const HttpRequest *request, const char *name);
const char *http_request_header(const HttpRequest *request, const char *name);
/* The body, NUL-terminated after *bytes; "" without one. */
const char *http_request_body(const HttpRequest *request, size_t *bytes);

/* Exactly one of these per request; without any the client gets 500. */
void http_response_text(HttpResponse *response, unsigned status, const char *content_type,
						const char *text);
/* body comes from malloc() and is the server's from now on; NULL (no memory) becomes 500. */
void http_response_take(HttpResponse *response, unsigned status, const char *content_type,
						char *body, size_t bytes);
/* application/problem+json; title NULL: the status' own phrase; detail may be NULL. */
void http_response_problem(HttpResponse *response, unsigned status, const char *detail);
/* At most 8; name and value are copied. */
void http_response_header(HttpResponse *response, const char *name, const char *value);
