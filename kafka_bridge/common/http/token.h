/*
 * token.h
 *		Bearer tokens (RFC 6750). Pure.
 *
 * tokens is a list separated by commas: while a token is rotated, the old and the new one are good.
 */
#pragma once

#include <stdbool.h>

#define HTTP_TOKEN_BYTES_MIN 16

/* NULL, or why the list is refused. */
const char *http_tokens_check(const char *tokens);

/*
 * Whether an Authorization header (may be NULL) carries one of the tokens. The time it takes does
 * not depend on how much of a token was guessed right.
 */
bool http_token_accept(const char *tokens, const char *authorization);
