/*
 * http_route.h
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

/* Fills response; runs in a thread of the server, possibly in several at once. */
typedef void (*HttpHandler)(const HttpRequest *request, HttpResponse *response, void *context);

typedef struct HttpRoute
{
	const char *method; /* GET also answers HEAD */
	const char *pattern;
	HttpHandler handler;
	void *context;
} HttpRoute;

#define HTTP_PARAMETERS_MAX		  4
#define HTTP_PARAMETER_BYTES_MAX  256 /* a longer segment matches no {name} */
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
