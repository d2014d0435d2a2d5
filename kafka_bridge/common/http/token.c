/*
 * token.c
 *		Only hashes are kept and compared: what a comparison betrays of a hash helps nobody.
 */
#include "http/token.h"

#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/file.h"
#include "http/token_list.h"

/* The characters of RFC 6750's b68token. */
static const char token_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

static Status
token_add(HttpTokens *tokens, const char *token, size_t bytes)
{
	HttpToken added = {.caller = {.scopes = HTTP_SCOPE_ALL}};

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, bytes, added.sha256) != 0)
		return status_bug("no SHA-256");
	return http_token_list_add(tokens, &added);
}

/* Tokens as BEARER_TOKEN has them. */
static Status
tokens_add(HttpTokens *tokens, const char *option, const char *text)
{
	Status status = status_ok();

	for (const char *at = text; status_is_ok(&status); at++)
	{
		size_t bytes = strspn(at, token_characters);

		if (bytes < HTTP_TOKEN_BYTES_MIN)
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"%s needs 16 or more of the characters A-Z a-z 0-9 - . _ ~ + / = "
								"in each token",
								option);
		status = token_add(tokens, at, bytes);
		at += bytes;
		if (*at == '\0')
			break;
		if (*at != ',')
			return status_fatal(EXIT_CODE_CONFIGURATION,
								"%s may have the characters A-Z a-z 0-9 - . _ ~ + / = and commas "
								"between tokens",
								option);
	}
	return status;
}

static Status
token_file_add(HttpTokens *tokens, const char *path)
{
	char *text = NULL;
	Status status = config_secret_read("BEARER_TOKEN_FILE", path, &text);

	if (!status_is_ok(&status))
		return status;
	/* Editors end the last line. */
	text[strcspn(text, "\r\n")] = '\0';
	status = tokens_add(tokens, "BEARER_TOKEN_FILE", text);
	free(text);
	return status;
}

static Status
list_file_add(HttpTokens *tokens, const char *path)
{
	char *text = NULL;
	Status status = config_secret_read("TOKENS_FILE", path, &text);

	if (!status_is_ok(&status))
		return status;
	status = http_token_list_parse(tokens, text);
	free(text);
	return status_is_ok(&status) ? status : status_prefix(status, "TOKENS_FILE");
}

Status
http_tokens_new(const HttpTokenOptions *options, HttpTokens **tokens)
{
	bool has_any =
		options->tokens != NULL || options->token_file != NULL || options->list_file != NULL;
	HttpTokens *made = has_any ? calloc(1, sizeof(HttpTokens)) : NULL;
	Status status = status_ok();

	*tokens = NULL;
	if (!has_any)
		return status;
	if (made == NULL)
		return status_bug("out of memory");
	if (options->tokens != NULL)
		status = status_about(tokens_add(made, "BEARER_TOKEN", options->tokens), "BEARER_TOKEN");
	if (status_is_ok(&status) && options->token_file != NULL)
		status = status_about(token_file_add(made, options->token_file), "BEARER_TOKEN_FILE");
	if (status_is_ok(&status) && options->list_file != NULL)
		status = status_about(list_file_add(made, options->list_file), "TOKENS_FILE");
	if (status_is_ok(&status))
		*tokens = made;
	else
		http_tokens_free(made);
	return status;
}

void
http_tokens_free(HttpTokens *tokens)
{
	if (tokens == NULL)
		return;
	free(tokens->items);
	free(tokens);
}

static bool
hash_equals(const unsigned char *one, const unsigned char *other)
{
	unsigned difference = 0;

	for (size_t i = 0; i < HTTP_TOKEN_HASH_BYTES; i++)
		difference |= (unsigned) one[i] ^ other[i];
	return difference == 0;
}

bool
http_tokens_find(const HttpTokens *tokens, const char *authorization, HttpCaller *caller)
{
	static const char scheme[] = "Bearer ";
	unsigned char hash[HTTP_TOKEN_HASH_BYTES];
	bool is_found = false;

	if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;

	const char *given = authorization + sizeof(scheme) - 1;

	given += strspn(given, " ");
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, given, strlen(given), hash) != 0)
		return false;
	for (size_t i = 0; i < tokens->count; i++)
		if (hash_equals(tokens->items[i].sha256, hash))
		{
			*caller = tokens->items[i].caller;
			is_found = true;
		}
	return is_found;
}
