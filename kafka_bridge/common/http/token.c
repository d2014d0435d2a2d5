/*
 * token.c
 *		Compares in constant time.
 */
#include "http/token.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The characters of RFC 6750's b68token. */
static const char token_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";

const char *
http_tokens_check(const char *tokens)
{
	for (const char *at = tokens;; at++)
	{
		size_t bytes = strspn(at, token_characters);

		if (bytes < HTTP_TOKEN_BYTES_MIN)
			return "needs 16 or more of the characters A-Z a-z 0-9 - . _ ~ + / = in each token";
		at += bytes;
		if (*at == '\0')
			return NULL;
		if (*at != ',')
			return "may have the characters A-Z a-z 0-9 - . _ ~ + / = and commas between tokens";
	}
}

static bool
token_equals(const char *token, size_t bytes, const char *given, size_t given_bytes)
{
	unsigned difference = bytes != given_bytes;

	for (size_t i = 0; i < given_bytes; i++)
		difference |= (unsigned char) given[i] ^ (unsigned char) token[i % bytes];
	return difference == 0;
}

bool
http_token_accept(const char *tokens, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	bool accepted = false;

	if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;

	const char *given = authorization + sizeof(scheme) - 1;

	given += strspn(given, " ");
	for (const char *at = tokens; *at != '\0';)
	{
		size_t bytes = strcspn(at, ",");

		accepted |= token_equals(at, bytes, given, strlen(given));
		at += bytes;
		at += *at == ',';
	}
	return accepted;
}
