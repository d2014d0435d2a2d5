/*
 * server.h
 *		A small HTTP server over libmicrohttpd: a table of routes, a few threads, bounds on
 *		everything a client can send and on the time it may take.
 *
 * Requests that can be read in two ways (fields.h) are answered 400 and unknown paths 404, other
 * methods 405 with Allow, unknown hosts 421, a missing or wrong bearer token 401, one without the
 * scope 403, unknown parameters of the query 400, bodies over the bound 413 and the connection
 * closed, bodies and large answers for which there is no room at the moment 503, each as
 * application/problem+json. A handler answers at once, or defers: then the request is its own, in
 * any thread, until it finishes it.
 *
 * Call order: http_server_start(), http_server_drain(), http_server_stop(). The routes and their
 * contexts must outlive the server. Deferred requests must be finished, and streams closed, before
 * http_server_stop().
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "http/connection.h"
#include "http/route.h"
#include "http/stream.h"
#include "http/token.h"
#include "base/status.h"

typedef struct HttpOptions
{
	char *listen_address; /* name or address; 127.0.0.1 unless told */
	int64_t port;		  /* 0: any free one */
	int64_t connections_max;
	int64_t client_connections_max; /* of one address; 0: connections_max */
	int64_t client_requests_max;	/* worked on for one address; 0: any number */
	int64_t idle_timeout_ms;
	int64_t request_timeout_ms; /* to send a whole request */
	char *hosts;				/* names besides loopback, separated by commas; or NULL */
	int access_log;				/* HttpAccessLog */
	char *bearer_tokens;		/* separated by commas, or NULL; see token.h of these */
	char *bearer_token_file;
	char *tokens_file;
	int64_t body_bytes_max;	  /* 0: no request may have a body; not an option, set by the program */
	int64_t bodies_bytes_max; /* of all requests together; 0: 32 MiB; not an option */
	int64_t answers_bytes_max; /* of large answers to reads, together; 0: 32 MiB; not an option */
	int64_t thread_count;	   /* 0: one; not an option, set by the program */
} HttpOptions;

/* Which requests are logged. */
typedef enum HttpAccessLog
{
	HTTP_ACCESS_LOG_OPERATIONS, /* those that may change something, and refused callers */
	HTTP_ACCESS_LOG_ALL,
	HTTP_ACCESS_LOG_OFF, /* but for those without a good token */
} HttpAccessLog;

/*
 * LISTEN_ADDRESS, HTTP_HOSTS, ACCESS_LOG, HTTP_CONNECTIONS_MAX, HTTP_IDLE_TIMEOUT,
 * HTTP_REQUEST_TIMEOUT.
 */
extern const ConfigOption http_options[];
/* BEARER_TOKEN, BEARER_TOKEN_FILE, TOKENS_FILE, for programs whose routes are not all public. */
extern const ConfigOption http_token_options[];

/*
 * Whether names and tokens are fit, files read: FATAL, EXIT_CODE_CONFIGURATION, naming the option.
 * For ConfigProgram.check.
 */
Status http_options_check(const HttpOptions *options);

/* The port is the program's own row: */

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

/*
 * Called at the end of each request that was answered, by a thread of the server; label as in
 * HttpRoute.
 */
typedef void (*HttpObserver)(size_t label, unsigned status, int64_t duration_us, void *context);

typedef struct HttpPlan
{
	const HttpRoute *routes;
	size_t route_count;
	HttpObserver observer; /* or NULL */
	void *observer_context;
} HttpPlan;

/* A port that is taken or an address that is not ours: FATAL, EXIT_CODE_CONFIGURATION. */
Status http_server_start(const HttpOptions *options, const HttpPlan *plan, HttpServer **server);

/* Takes the tokens of these options from now on; on an error the old ones stay. */
Status http_server_tokens_set(HttpServer *server, const HttpOptions *options);

/* The port it listens on. */
uint16_t http_server_port(const HttpServer *server);

/*
 * Takes no new connections, closes those there are after their answer, and waits up to timeout_ms
 * until no request is being worked on; streams do not count. Returns whether none is.
 */
bool http_server_drain(HttpServer *server, int64_t timeout_ms);

/* Waits for running handlers, closes all connections, frees, sets to NULL; NULL is fine. */
void http_server_stop(HttpServer **server);

/*
 * The request is the caller's from now on, with the response its handler was given, until
 * http_request_finish(), which any thread may call, once; the handler returns without touching
 * either.
 */
void http_request_defer(HttpRequest *request);
void http_request_finish(HttpRequest *request);

/* The address a request comes from. */
HttpClient http_request_client(const HttpRequest *request);

/*
 * Memory for a large answer, before it is read from elsewhere; all that a request was granted is
 * given back at its end, or by http_request_grants_end(). False: there is none at the moment.
 */
bool http_request_grant(HttpRequest *request, size_t bytes);
void http_request_grants_end(HttpRequest *request);
/* Of what was granted, so many bytes that were not needed. */
void http_request_grant_return(HttpRequest *request, size_t bytes);

/* The response of a request, for a thread that was handed the request alone. */
HttpResponse *http_request_response(HttpRequest *request);

/* All return NULL when absent; texts live as long as the request. Values are decoded. */
const char *http_request_method(const HttpRequest *request);
const char *http_request_path(const HttpRequest *request);
const char *http_request_parameter(const HttpRequest *request, const char *name);
const char *http_request_query(const HttpRequest *request, const char *name);
/* Calls for each parameter of the query; a parameter without = has the value "". */
typedef void (*HttpQueryFunction)(const char *name, const char *value, void *context);
void http_request_query_each(const HttpRequest *request, HttpQueryFunction function, void *context);
const char *http_request_header(const HttpRequest *request, const char *name);
/* As the client sent it in X-Request-Id, or made here. */
const char *http_request_id(const HttpRequest *request);
/* Who asks; without tokens everybody is nobody, with all scopes. */
const HttpCaller *http_request_caller(const HttpRequest *request);
/* Whether the caller has the scope, of several one; else the response says so (403). */
bool http_request_may(HttpRequest *request, HttpScope scope);
/* The body, NUL-terminated after *bytes; "" without one. */
const char *http_request_body(const HttpRequest *request, size_t *bytes);

/* Exactly one of these per request; without any the client gets 500. */
void http_response_text(HttpResponse *response, unsigned status, const char *content_type,
						const char *text);
/* body comes from malloc() and is the server's from now on; NULL (no memory) becomes 500. */
void http_response_take(HttpResponse *response, unsigned status, const char *content_type,
						char *body, size_t bytes);
/* body lives as long as the server. */
void http_response_static(HttpResponse *response, unsigned status, const char *content_type,
						  const char *body, size_t bytes);
/*
 * application/problem+json (RFC 9457) with the status' own phrase as title, and its own code unless
 * the members have one.
 */
void http_response_problem(HttpResponse *response, unsigned status, const char *detail);
/* The same with further members, an object that is the response's from now on, or NULL. */
void http_response_problem_members(HttpResponse *response, unsigned status, const char *detail,
								   json_t *members);
/* 200 with a body that is written from now on; NULL (no memory) became 500. See stream.h. */
HttpStream *http_response_stream(HttpRequest *request, HttpResponse *response,
								 const char *content_type);
/* Of the request that it answers, or NULL. */
const char *http_response_request_id(const HttpResponse *response);
/* At most 8; name and value are copied. */
void http_response_header(HttpResponse *response, const char *name, const char *value);
