/*
 * scope.c
 *		The names of the scopes.
 */
#include "http/scope.h"

#include <stddef.h>

static const struct
{
	const char *name;
	HttpScope scope;
} scopes[] = {
	{"read", HTTP_SCOPE_READ},
	{"transfer", HTTP_SCOPE_TRANSFER},
	{"cashier", HTTP_SCOPE_CASHIER},
	{"operator", HTTP_SCOPE_OPERATOR},
};

const char *
http_scope_name(HttpScope scope)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (scopes[i].scope & scope)
			return scopes[i].name;
	return "";
}
