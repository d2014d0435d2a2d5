/*
 * fields.h
 *		Whether the header and the query of a request can be read in one way only: what a proxy in
 *		front of us reads otherwise than we do could hide a request, and of two keys one would be
 *		passed over. Used inside common/http only.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>

#define HTTP_REASON_BYTES 160

/*
 * 0, or the status with which the request is refused (400, 501) and the reason. version is that of
 * the request line. Blanks behind the values of headers are taken off.
 */
unsigned http_fields_check(struct MHD_Connection *connection, const char *version,
						   char reason[HTTP_REASON_BYTES]);

/*
 * Whether the query has known parameters only; else the reason names one. known ends in NULL, a
 * name in it that ends in . stands for all that begin so; NULL: there are none.
 */
bool http_query_check(struct MHD_Connection *connection, const char *const *known,
					  char reason[HTTP_REASON_BYTES]);
