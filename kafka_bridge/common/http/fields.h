/*
 * fields.h
 *		Whether the header and the query of a request can be read in one way only: what a proxy in
 *		front of us reads otherwise than we do could hide a request, and of two keys one would be
 *		passed over. Used inside common/http only.
 */
#pragma once

#include <microhttpd.h>

/* NULL, or why the request is refused (static text). version is that of the request line. */
const char *http_fields_check(struct MHD_Connection *connection, const char *version);
