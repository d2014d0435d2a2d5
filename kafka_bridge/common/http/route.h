/*
 * route.h
 *		Which handler a method and path belong to. Pure.
 *
 * A pattern is a path whose segments are words or {name}: "/wallets/{id}/history". {name} takes
 * one segment that is not empty, percent-decoded. A word wins over a {name} in the same place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct HttpRequest HttpRequest;
typedef struct HttpResponse HttpResponse;

/*
 * Fills response, or calls http_request_defer(); runs in a thread of the server, possibly in
 * several at once, and keeps that thread's other clients waiting meanwhile.
 */
typedef void (*HttpHandler)(HttpRequest *request, HttpResponse *response, const void *context);

typedef struct HttpRoute
{
	const char *method; /* GET also answers HEAD */
	const char *pattern;
	HttpHandler handler;
	const void *context;
	bool is_prompt;				/* GET; answered at once, however full the server is: see door.h */
	bool is_public;				/* answered without a bearer token */
	size_t label;				/* of the metrics; 0 is for what has no route */
	unsigned scope;				/* of HttpScope, one of which a token needs; 0: any token will do */
	const char *const *queries; /* known parameters of the query, as http_query_check() has them */
	size_t body_bytes_max;		/* 0: the server's */
} HttpRoute;

#define HTTP_PARAMETERS_MAX		  4
#define HTTP_PARAMETER_BYTES_MAX  512 /* a longer segment matches no {name} */
#define HTTP_PARAMETER_NAME_BYTES 32

typedef struct HttpParameter
{
	char name[HTTP_PARAMETER_NAME_BYTES];
	char value[HTTP_PARAMETER_BYTES_MAX];
} HttpParameter;

typedef enum HttpMatchResult
{
	HTTP_MATCH_FOUND,
	HTTP_MATCH_NO_PATH,	  /* 404 */
	HTTP_MATCH_NO_METHOD, /* 405: allow lists the methods there are */
} HttpMatchResult;

typedef struct HttpMatch
{
	const HttpRoute *route;
	HttpParameter parameters[HTTP_PARAMETERS_MAX];
	size_t parameter_count;
	char allow[64]; /* "GET, HEAD" */
} HttpMatch;

HttpMatchResult http_route_match(const HttpRoute *routes, size_t route_count, const char *method,
								 const char *path, HttpMatch *match);
