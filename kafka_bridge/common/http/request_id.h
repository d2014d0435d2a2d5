/*
 * request_id.h
 *		The name of a request in its answer and in the log: the client's own, or one made here.
 */
#pragma once

#define HTTP_REQUEST_ID_BYTES 65

/*
 * Takes given (may be NULL) where it has 1 to 64 characters that need no escapes anywhere:
 * A-Z a-z 0-9 - _ . : = + / @. Else makes one of 32 hexadecimal digits.
 */
void http_request_id_fill(const char *given, char id[HTTP_REQUEST_ID_BYTES]);
