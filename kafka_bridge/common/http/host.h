/*
 * host.h
 *		Whether a request was meant for this server: a page of another site can let its own name
 *		point here (DNS rebinding), and is then told by the Host that it sends. Pure.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/*
 * host is a Host field or the authority of an absolute form, with or without a port. Accepted are
 * localhost and the names below it, loopback addresses, the address that the connection came to
 * (own, may be NULL), and the names in known (separated by commas; NULL: none; *: every name).
 */
bool http_host_accept(const char *host, const char *known, const struct sockaddr *own);

/* NULL, or why a list of names is refused. */
const char *http_hosts_check(const char *known);
