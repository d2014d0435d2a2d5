/*
 * token_list.c
 *		Strict: a misspelt member must not give a token more than was meant.
 */
#include "http/token_list.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char name_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

Status
http_token_list_add(HttpTokens *tokens, const HttpToken *added)
{
	HttpToken *items = NULL;

	for (size_t i = 0; i < tokens->count; i++)
		if (memcmp(tokens->items[i].sha256, added->sha256, HTTP_TOKEN_HASH_BYTES) == 0)
			return status_fatal(EXIT_CODE_CONFIGURATION, "a token is there twice");
	items = realloc(tokens->items, (tokens->count + 1) * sizeof(HttpToken));
	if (items == NULL)
		return status_bug("out of memory");
	tokens->items = items;
	tokens->items[tokens->count++] = *added;
	return status_ok();
}

static const char *
name_take(const json_t *given, HttpToken *token)
{
	const char *name = json_string_value(given);
	size_t bytes = name != NULL ? strlen(name) : 0;

	if (bytes == 0 || bytes >= HTTP_CALLER_NAME_BYTES || strspn(name, name_characters) != bytes)
		return "name must have 1 to 40 of the characters A-Z a-z 0-9 - _ .";
	memcpy(token->caller.name, name, bytes + 1);
	return NULL;
}

static int
digit_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

	return at != NULL ? (int) (at - digits) : -1;
}

static const char *
hash_take(const json_t *given, HttpToken *token)
{
	static const char wrong[] = "sha256 must have 64 hexadecimal digits, as sha256sum prints them";
	const char *text = json_string_value(given);

	if (text == NULL || strlen(text) != 2 * HTTP_TOKEN_HASH_BYTES)
		return wrong;
	for (size_t i = 0; i < HTTP_TOKEN_HASH_BYTES; i++)
	{
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return wrong;
		token->sha256[i] = (unsigned char) (high * 16 + low);
	}
	return NULL;
}

static unsigned
scope_find(const char *name)
{
	for (unsigned scope = HTTP_SCOPE_READ; name != NULL && scope <= HTTP_SCOPE_OPERATOR;
		 scope <<= 1)
		if (strcmp(name, http_scope_name((HttpScope) scope)) == 0)
			return scope;
	return 0;
}

static const char *
scopes_take(const json_t *given, HttpToken *token)
{
	static const char wrong[] = "scopes must be some of read, transfer, cashier and operator";

	for (size_t i = 0; i < json_array_size(given); i++)
	{
		unsigned scope = scope_find(json_string_value(json_array_get(given, i)));

		if (scope == 0)
			return wrong;
		token->caller.scopes |= scope;
	}
	return token->caller.scopes != 0 ? NULL : wrong;
}

/* The reason, or NULL. */
static const char *
entry_take(const json_t *entry, HttpToken *token)
{
	const char *wrong = NULL;

	if (!json_is_object(entry))
		return "must be an object";
	wrong = name_take(json_object_get(entry, "name"), token);
	if (wrong == NULL)
		wrong = hash_take(json_object_get(entry, "sha256"), token);
	if (wrong == NULL)
		wrong = scopes_take(json_object_get(entry, "scopes"), token);
	if (wrong == NULL && json_object_size(entry) != 3)
		wrong = "has a member other than name, sha256 and scopes";
	return wrong;
}

static bool
name_is_taken(const HttpTokens *tokens, const char *name)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (strcmp(tokens->items[i].caller.name, name) == 0)
			return true;
	return false;
}

static Status
entry_add(HttpTokens *tokens, const json_t *entry, size_t index)
{
	HttpToken token = {0};
	const char *wrong = entry_take(entry, &token);

	if (wrong == NULL && name_is_taken(tokens, token.caller.name))
		wrong = "has the name of another";
	if (wrong != NULL)
		return status_fatal(EXIT_CODE_CONFIGURATION, "entry %zu: %s", index + 1, wrong);
	return http_token_list_add(tokens, &token);
}

Status
http_token_list_parse(HttpTokens *tokens, const char *text)
{
	json_error_t error;
	json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	Status status = status_ok();

	if (!json_is_array(list))
		status = status_fatal(EXIT_CODE_CONFIGURATION, "%s",
							  list == NULL ? error.text : "must be an array of objects");
	for (size_t i = 0; status_is_ok(&status) && i < json_array_size(list); i++)
		status = entry_add(tokens, json_array_get(list, i), i);
	json_decref(list);
	return status;
}
