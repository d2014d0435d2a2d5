/*
 * uuid5.c
 *		Name-based UUIDs, version 5 (RFC 9562, 5.5), over a SHA-1 of one block (RFC 3174).
 *
 * A name space of 16 bytes and a short name fit one block of 64 bytes with its padding, so there is
 * neither a loop over blocks nor a context to allocate. SHA-1 is what version 5 prescribes; nothing
 * here needs it to resist an attacker.
 */
#include "uuid5.h"

#include <assert.h>
#include <string.h>

#define SHA1_BLOCK_BYTES 64
#define SHA1_WORDS		 5
#define SHA1_ROUNDS		 80
#define SHA1_LENGTH_AT	 56 /* where the message length stands in the last block */

static_assert(UUID5_BYTES + UUID5_NAME_BYTES_MAX + 1 <= SHA1_LENGTH_AT,
			  "name space, name and the padding's first byte fit one block");

static inline uint32_t
rotate_left(uint32_t word, int bits)
{
	return word << bits | word >> (32 - bits);
}

/* RFC 3174, 6.2: one block from the initial state; schedule is the block, extended in place. */
static void
sha1_hash_block(uint32_t state[SHA1_WORDS], uint32_t schedule[SHA1_ROUNDS])
{
	for (int t = 16; t < SHA1_ROUNDS; t++)
		schedule[t] =
			rotate_left(schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16], 1);

	uint32_t a = 0x67452301, b = 0xEFCDAB89, c = 0x98BADCFE, d = 0x10325476, e = 0xC3D2E1F0;
	const uint32_t start[SHA1_WORDS] = {a, b, c, d, e};

/* One round with the function and the constant of its quarter. */
#define SHA1_ROUND(function, constant)                                                 \
	do                                                                                 \
	{                                                                                  \
		uint32_t next = rotate_left(a, 5) + (function) + e + schedule[t] + (constant); \
		e = d;                                                                         \
		d = c;                                                                         \
		c = rotate_left(b, 30);                                                        \
		b = a;                                                                         \
		a = next;                                                                      \
	} while (0)

	for (int t = 0; t < 20; t++)
		SHA1_ROUND((b & c) | (~b & d), 0x5A827999);
	for (int t = 20; t < 40; t++)
		SHA1_ROUND(b ^ c ^ d, 0x6ED9EBA1);
	for (int t = 40; t < 60; t++)
		SHA1_ROUND((b & c) | (b & d) | (c & d), 0x8F1BBCDC);
	for (int t = 60; t < SHA1_ROUNDS; t++)
		SHA1_ROUND(b ^ c ^ d, 0xCA62C1D6);
#undef SHA1_ROUND

	state[0] = start[0] + a;
	state[1] = start[1] + b;
	state[2] = start[2] + c;
	state[3] = start[3] + d;
	state[4] = start[4] + e;
}

void
uuid5_make(uint8_t uuid[UUID5_BYTES], const uint8_t name_space[UUID5_BYTES], const char *name,
		   size_t name_bytes)
{
	assert(name_bytes <= UUID5_NAME_BYTES_MAX);

	uint8_t block[SHA1_BLOCK_BYTES] = {0};
	uint32_t message_bits = (uint32_t) (UUID5_BYTES + name_bytes) * 8;

	memcpy(block, name_space, UUID5_BYTES);
	memcpy(block + UUID5_BYTES, name, name_bytes);
	block[UUID5_BYTES + name_bytes] = 0x80;
	block[62] = (uint8_t) (message_bits >> 8);
	block[63] = (uint8_t) message_bits;

	uint32_t schedule[SHA1_ROUNDS];
	uint32_t state[SHA1_WORDS];

	for (int t = 0; t < 16; t++)
		schedule[t] = (uint32_t) block[t * 4] << 24 | (uint32_t) block[t * 4 + 1] << 16 |
					  (uint32_t) block[t * 4 + 2] << 8 | (uint32_t) block[t * 4 + 3];
	sha1_hash_block(state, schedule);

	for (int byte = 0; byte < UUID5_BYTES; byte++)
		uuid[byte] = (uint8_t) (state[byte / 4] >> (24 - byte % 4 * 8));
	uuid[6] = (uint8_t) ((uuid[6] & 0x0F) | 0x50); /* version 5 */
	uuid[8] = (uint8_t) ((uuid[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
}
