/*
 * statement.c
 *		SHA-256 of GnuTLS, which libmicrohttpd brings along.
 */
#include "postgres/statement.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

#define HASH_BYTES		32 /* of SHA-256 */
#define NAME_HASH_BYTES 16 /* of these are in the name */

void
pg_statement_name(const char *sql, char name[PG_STATEMENT_NAME_BYTES])
{
	unsigned char hash[HASH_BYTES];
	int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, sql, strlen(sql), hash);

	/* It has no reason to fail; a name that is not the text's would be dangerous. */
	assert(failed == 0);
	(void) failed;
	name[0] = 'w';
	for (size_t i = 0; i < NAME_HASH_BYTES; i++)
		snprintf(name + 1 + 2 * i, 3, "%02x", hash[i]);
}
