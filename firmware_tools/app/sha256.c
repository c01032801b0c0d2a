#include "sha256.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428A2F98u, 0x71374491u, 0xB5C0FBCFu, 0xE9B5DBA5u, 0x3956C25Bu, 0x59F111F1u,
    0x923F82A4u, 0xAB1C5ED5u, 0xD807AA98u, 0x12835B01u, 0x243185BEu, 0x550C7DC3u,
    0x72BE5D74u, 0x80DEB1FEu, 0x9BDC06A7u, 0xC19BF174u, 0xE49B69C1u, 0xEFBE4786u,
    0x0FC19DC6u, 0x240CA1CCu, 0x2DE92C6Fu, 0x4A7484AAu, 0x5CB0A9DCu, 0x76F988DAu,
    0x983E5152u, 0xA831C66Du, 0xB00327C8u, 0xBF597FC7u, 0xC6E00BF3u, 0xD5A79147u,
    0x06CA6351u, 0x14292967u, 0x27B70A85u, 0x2E1B2138u, 0x4D2C6DFCu, 0x53380D13u,
    0x650A7354u, 0x766A0ABBu, 0x81C2C92Eu, 0x92722C85u, 0xA2BFE8A1u, 0xA81A664Bu,
    0xC24B8B70u, 0xC76C51A3u, 0xD192E819u, 0xD6990624u, 0xF40E3585u, 0x106AA070u,
    0x19A4C116u, 0x1E376C08u, 0x2748774Cu, 0x34B0BCB5u, 0x391C0CB3u, 0x4ED8AA4Au,
    0x5B9CCA4Fu, 0x682E6FF3u, 0x748F82EEu, 0x78A5636Fu, 0x84C87814u, 0x8CC70208u,
    0x90BEFFFAu, 0xA4506CEBu, 0xBEF9A3F7u, 0xC67178F2u,
};

static uint32_t rotate(uint32_t word, uint32_t count)
{
    return word >> count | word << (32u - count);
}

/* The message schedule in place: word t takes the place of word t - 16. */
static uint32_t scheduled(uint32_t *block, uint32_t round)
{
    const uint32_t before_15 = block[(round + 1u) & 15u];
    const uint32_t before_2 = block[(round + 14u) & 15u];

    if (round >= 16u) {
        block[round & 15u] +=
            (rotate(before_15, 7u) ^ rotate(before_15, 18u) ^ before_15 >> 3) +
            block[(round + 9u) & 15u] +
            (rotate(before_2, 17u) ^ rotate(before_2, 19u) ^ before_2 >> 10);
    }
    return block[round & 15u];
}

static void take_block(sha256_t *hash)
{
    uint32_t a[8]; /* a..h of the standard, in this order */
    uint32_t round;

    memcpy(a, hash->state, sizeof a);
    for (round = 0u; round < 64u; round++) {
        const uint32_t first = a[7] + (rotate(a[4], 6u) ^ rotate(a[4], 11u) ^ rotate(a[4], 25u)) +
                               ((a[4] & a[5]) ^ (~a[4] & a[6])) + round_constants[round] +
                               scheduled(hash->block, round);
        const uint32_t second = (rotate(a[0], 2u) ^ rotate(a[0], 13u) ^ rotate(a[0], 22u)) +
                                ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));

        a[7] = a[6];
        a[6] = a[5];
        a[5] = a[4];
        a[4] = a[3] + first;
        a[3] = a[2];
        a[2] = a[1];
        a[1] = a[0];
        a[0] = first + second;
    }
    for (round = 0u; round < 8u; round++) {
        hash->state[round] += a[round];
    }
}

static void add_byte(sha256_t *hash, uint8_t byte)
{
    uint32_t *word = &hash->block[(hash->size & (SHA256_BLOCK_BYTES - 1u)) >> 2];

    *word = *word << 8 | byte;
    hash->size++;
    if ((hash->size & (SHA256_BLOCK_BYTES - 1u)) == 0u) {
        take_block(hash);
    }
}

void sha256_start(sha256_t *hash)
{
    /* The same of the square roots of the first 8 primes. */
    static const uint32_t start[8] = {
        0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
        0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u,
    };

    memcpy(hash->state, start, sizeof start);
    memset(hash->block, 0, sizeof hash->block);
    hash->size = 0u;
}

void sha256_add(sha256_t *hash, const uint8_t *data, size_t size)
{
    size_t at;

    for (at = 0u; at < size; at++) {
        add_byte(hash, data[at]);
    }
}

void sha256_finish(sha256_t *hash, uint8_t *digest)
{
    const uint32_t bits = hash->size << 3;
    uint32_t at;

    add_byte(hash, 0x80u);
    while ((hash->size & (SHA256_BLOCK_BYTES - 1u)) != SHA256_BLOCK_BYTES - 8u) {
        add_byte(hash, 0u);
    }
    for (at = 0u; at < 8u; at++) { /* of the count of bits, the upper half is 0 */
        add_byte(hash, (uint8_t)(at < 4u ? 0u : bits >> (56u - 8u * at) & 0xFFu));
    }
    for (at = 0u; at < SHA256_BYTES; at++) {
        digest[at] = (uint8_t)(hash->state[at >> 2] >> (24u - 8u * (at & 3u)) & 0xFFu);
    }
}
