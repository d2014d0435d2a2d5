/*
 * hosts.h
 *		The hosts of a URL that names several. Pure.
 *
 * libpq keeps them as lists with commas. An entry may be empty (the default), and a list of ports
 * may have one entry, which is then every host's.
 */
#pragma once

#include <libpq-fe.h>
#include <stddef.h>

#define PG_HOST_BYTES 256

/* The lists belong to what was parsed; NULL where the URL has none. */
typedef struct PgHosts
{
	const char *name;
	const char *address;
	const char *port;
	size_t count; /* 1 where none is named */
} PgHosts;

PgHosts pg_hosts_read(const PQconninfoOption *parsed);

/* The rest of a list, from its nth entry on; of one with a single entry that entry. */
const char *pg_hosts_rest(const char *list, size_t nth);

/* One entry, with a terminator; cut where it is too long. */
void pg_hosts_entry(const char *list, size_t nth, char entry[PG_HOST_BYTES]);

/* The entry, from the first one on, of a host and port as libpq tells them; count: none. */
size_t pg_hosts_find(const PgHosts *hosts, size_t first, const char *host, const char *port);
