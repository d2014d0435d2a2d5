/*
 * admission.h
 *		Whether a request comes to its handler: the name it asks for, its token, its scope, its
 *		query. Used inside common/http only.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "http/request.h"
#include "http/server.h"
#include "http/token.h"

typedef struct HttpAdmission
{
	const char *hosts; /* besides loopback; or NULL */
	pthread_rwlock_t lock;
	HttpTokens *tokens; /* lock; NULL: everybody may ask */
} HttpAdmission;

void http_admission_begin(HttpAdmission *admission, const char *hosts);
void http_admission_end(HttpAdmission *admission);

/* Takes the tokens of these options; on an error the old ones stay. */
Status http_admission_tokens_set(HttpAdmission *admission, const HttpOptions *options);

/* Whether it was meant for this server. */
bool http_admission_host(const HttpAdmission *admission, const HttpRequest *request);

/* Of a request with a route: fills its caller. False: the response says why not. */
bool http_admission_enter(HttpAdmission *admission, HttpRequest *request);

/* Reads all files with tokens. */
Status http_options_tokens_read(const HttpOptions *options, HttpTokens **tokens);
