/*
 * token_list.h
 *		The list of tokens and its file, TOKENS_FILE: a JSON array of
 *		{"name":"shop","sha256":"<64 hexadecimal digits>","scopes":["read","transfer"]}. Used inside
 *		common/http only.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"
#include "http/token.h"

#define HTTP_TOKEN_HASH_BYTES 32

typedef struct HttpToken
{
	HttpCaller caller;
	unsigned char sha256[HTTP_TOKEN_HASH_BYTES];
} HttpToken;

struct HttpTokens
{
	HttpToken *items;
	size_t count;
};

/* A token twice would leave open whose it is: FATAL. */
Status http_token_list_add(HttpTokens *tokens, const HttpToken *added);

/* FATAL, EXIT_CODE_CONFIGURATION, naming what is wrong. */
Status http_token_list_parse(HttpTokens *tokens, const char *text);
