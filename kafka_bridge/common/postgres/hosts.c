/*
 * hosts.c
 *		Lists with commas.
 */
#include "postgres/hosts.h"

#include <stdio.h>
#include <string.h>

static size_t
list_count(const char *list)
{
	size_t count = list != NULL;

	for (const char *at = list; at != NULL && *at != '\0'; at++)
		count += *at == ',';
	return count;
}

PgHosts
pg_hosts_read(const PQconninfoOption *parsed)
{
	PgHosts hosts = {.count = 1};

	for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++)
	{
		if (strcmp(option->keyword, "host") == 0)
			hosts.name = option->val;
		else if (strcmp(option->keyword, "hostaddr") == 0)
			hosts.address = option->val;
		else if (strcmp(option->keyword, "port") == 0)
			hosts.port = option->val;
	}
	/* libpq refuses lists of different lengths. */
	if (hosts.address != NULL)
		hosts.count = list_count(hosts.address);
	else if (hosts.name != NULL)
		hosts.count = list_count(hosts.name);
	return hosts;
}

const char *
pg_hosts_rest(const char *list, size_t nth)
{
	if (list_count(list) <= 1)
		return list;
	while (nth-- > 0 && strchr(list, ',') != NULL)
		list = strchr(list, ',') + 1;
	return list;
}

void
pg_hosts_entry(const char *list, size_t nth, char entry[PG_HOST_BYTES])
{
	const char *rest = pg_hosts_rest(list != NULL ? list : "", nth);

	snprintf(entry, PG_HOST_BYTES, "%.*s", (int) strcspn(rest, ","), rest);
}

size_t
pg_hosts_find(const PgHosts *hosts, size_t first, const char *host, const char *port)
{
	const char *names = hosts->name != NULL ? hosts->name : hosts->address;
	char entry[PG_HOST_BYTES];

	for (size_t nth = first; host != NULL && names != NULL && nth < hosts->count; nth++)
	{
		pg_hosts_entry(names, nth, entry);
		if (strcmp(entry, host) != 0)
			continue;
		pg_hosts_entry(hosts->port, nth, entry);
		if (entry[0] == '\0' || port == NULL || strcmp(entry, port) == 0)
			return nth;
	}
	return hosts->count;
}
