/*
 * host.c
 *		Names are compared without case, addresses by their bytes.
 */
#include "http/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES 256

/* The name or address without port, brackets and a last dot; false where it has no such form. */
static bool
name_take(const char *host, char name[NAME_BYTES])
{
	bool is_bracketed = host[0] == '[';
	const char *begin = host + is_bracketed;
	size_t bytes = strcspn(begin, is_bracketed ? "]" : ":");
	const char *rest = begin + bytes;

	if (is_bracketed && *rest++ != ']')
		return false;
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest != '\0' || bytes == 0 || bytes >= NAME_BYTES)
		return false;
	snprintf(name, NAME_BYTES, "%.*s", (int) bytes, begin);
	if (name[bytes - 1] == '.')
		name[bytes - 1] = '\0';
	return true;
}

/* The address as one of IPv6, to which those of IPv4 are mapped; false for a name. */
static bool
address_read(const char *name, struct in6_addr *address)
{
	char mapped[NAME_BYTES + 8];
	struct in_addr four;

	if (inet_pton(AF_INET, name, &four) == 1)
	{
		snprintf(mapped, sizeof(mapped), "::ffff:%s", name);
		name = mapped;
	}
	return inet_pton(AF_INET6, name, address) == 1;
}

static bool
address_is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
		   (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool
address_is_own(const struct in6_addr *address, const struct sockaddr *own)
{
	if (own == NULL)
		return false;
	if (own->sa_family == AF_INET)
		return IN6_IS_ADDR_V4MAPPED(address) &&
			   memcmp(&address->s6_addr[12],
					  &((const struct sockaddr_in *) (const void *) own)->sin_addr, 4) == 0;
	return own->sa_family == AF_INET6 &&
		   memcmp(address, &((const struct sockaddr_in6 *) (const void *) own)->sin6_addr,
				  sizeof(*address)) == 0;
}

static bool
name_is_local(const char *name)
{
	static const char local[] = "localhost";
	size_t bytes = strlen(name);
	size_t local_bytes = sizeof(local) - 1;

	return strcasecmp(name, local) == 0 ||
		   (bytes > local_bytes && name[bytes - local_bytes - 1] == '.' &&
			strcasecmp(name + bytes - local_bytes, local) == 0);
}

static bool
name_is_known(const char *name, const char *known)
{
	for (const char *at = known; at != NULL && *at != '\0';)
	{
		size_t bytes = strcspn(at, ",");

		if ((bytes == 1 && *at == '*') ||
			(bytes == strlen(name) && strncasecmp(at, name, bytes) == 0))
			return true;
		at += bytes;
		at += *at == ',';
	}
	return false;
}

bool
http_host_accept(const char *host, const char *known, const struct sockaddr *own)
{
	char name[NAME_BYTES];
	struct in6_addr address;

	if (!name_take(host, name))
		return false;
	if (name_is_known(name, known) || name_is_local(name))
		return true;
	return address_read(name, &address) &&
		   (address_is_loopback(&address) || address_is_own(&address, own));
}

const char *
http_hosts_check(const char *known)
{
	for (const char *at = known;; at++)
	{
		size_t bytes = strcspn(at, ",");

		if (bytes == 0 || strcspn(at, " \t/[]") < bytes)
			return "needs names or addresses without ports and brackets, separated by commas, or *";
		at += bytes;
		if (*at == '\0')
			return NULL;
	}
}
