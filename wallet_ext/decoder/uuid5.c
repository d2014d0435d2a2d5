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

/* RFC 3174, 5: the functions of the four quarters; the first and third with one operation less. */
#define SHA1_CHOOSE(b, c, d)   ((d) ^ ((b) & ((c) ^ (d))))
#define SHA1_PARITY(b, c, d)   ((b) ^ (c) ^ (d))
#define SHA1_MAJORITY(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))

/* One round; instead of moving the five words on, the next round names them in turned order. */
#define SHA1_ROUND(function, constant, a, b, c, d, e, word)                         \
	do                                                                              \
	{                                                                               \
		(e) += rotate_left((a), 5) + function((b), (c), (d)) + (constant) + (word); \
		(b) = rotate_left((b), 30);                                                 \
	} while (0)

/* Twenty rounds, five at a time: after five the words have their own names again. */
#define SHA1_QUARTER(function, constant, first)                         \
	for (int t = (first); t < (first) + 20; t += 5)                     \
	{                                                                   \
		SHA1_ROUND(function, constant, a, b, c, d, e, schedule[t]);     \
		SHA1_ROUND(function, constant, e, a, b, c, d, schedule[t + 1]); \
		SHA1_ROUND(function, constant, d, e, a, b, c, schedule[t + 2]); \
		SHA1_ROUND(function, constant, c, d, e, a, b, schedule[t + 3]); \
		SHA1_ROUND(function, constant, b, c, d, e, a, schedule[t + 4]); \
	}

/* RFC 3174, 6.2: one block from the initial state; the block is schedule's first 16 words. */
static void
sha1_hash_block(uint32_t state[SHA1_WORDS], uint32_t schedule[SHA1_ROUNDS])
{
	for (int t = 16; t < SHA1_ROUNDS; t++)
		schedule[t] =
			rotate_left(schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16], 1);

	uint32_t a = 0x67452301;
	uint32_t b = 0xEFCDAB89;
	uint32_t c = 0x98BADCFE;
	uint32_t d = 0x10325476;
	uint32_t e = 0xC3D2E1F0;
	const uint32_t start[SHA1_WORDS] = {a, b, c, d, e};

	SHA1_QUARTER(SHA1_CHOOSE, 0x5A827999, 0);
	SHA1_QUARTER(SHA1_PARITY, 0x6ED9EBA1, 20);
	SHA1_QUARTER(SHA1_MAJORITY, 0x8F1BBCDC, 40);
	SHA1_QUARTER(SHA1_PARITY, 0xCA62C1D6, 60);

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
