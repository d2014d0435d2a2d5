/*
 * scope.h
 *		What a caller may do. Pure.
 */
#pragma once

/* None implies another. */
typedef enum HttpScope
{
	HTTP_SCOPE_READ = 1,
	HTTP_SCOPE_TRANSFER = 2,
	HTTP_SCOPE_CASHIER = 4,
	HTTP_SCOPE_OPERATOR = 8,
	HTTP_SCOPE_ALL = 15,
} HttpScope;

/* "read", "transfer", "cashier", "operator"; of several the first. */
const char *http_scope_name(HttpScope scope);
