/*
 * token.h
 *		Bearer tokens (RFC 6750): who may ask, for what, and under which name.
 *
 * A list is made of BEARER_TOKEN and BEARER_TOKEN_FILE, whose tokens (separated by commas: while
 * one is rotated, the old and the new one are good) may do everything and have no name, and of
 * TOKENS_FILE, where each has a name and scopes. It never changes: a new one takes its place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "http/scope.h"

#define HTTP_TOKEN_BYTES_MIN   16
#define HTTP_CALLER_NAME_BYTES 41

/* Who asks. */
typedef struct HttpCaller
{
	char name[HTTP_CALLER_NAME_BYTES]; /* "" without one */
	unsigned scopes;
} HttpCaller;

typedef struct HttpTokenOptions
{
	const char *tokens;		/* BEARER_TOKEN, or NULL */
	const char *token_file; /* BEARER_TOKEN_FILE, or NULL */
	const char *list_file;	/* TOKENS_FILE, or NULL */
} HttpTokenOptions;

typedef struct HttpTokens HttpTokens;

/*
 * *tokens is NULL where no option is set: everybody may ask. FATAL, EXIT_CODE_CONFIGURATION, naming
 * the option: a file that cannot be read, or what is wrong with it.
 */
Status http_tokens_new(const HttpTokenOptions *options, HttpTokens **tokens);
/* NULL is fine. */
void http_tokens_free(HttpTokens *tokens);

/*
 * Whether an Authorization header (may be NULL) carries one of the tokens, and whose it is. The
 * time it takes does not depend on how much of a token was guessed right.
 */
bool http_tokens_find(const HttpTokens *tokens, const char *authorization, HttpCaller *caller);
