#include "hmac.h"

#define INNER 0x36u
#define OUTER 0x5Cu

static void add_padded_key(sha256_t *hash, const uint8_t *key, size_t key_size, uint8_t pad)
{
    size_t at;

    for (at = 0u; at < SHA256_BLOCK_BYTES; at++) {
        const uint8_t byte = (uint8_t)((at < key_size ? key[at] : 0u) ^ pad);

        sha256_add(hash, &byte, 1u);
    }
}

void hmac_start(sha256_t *hash, const uint8_t *key, size_t key_size)
{
    sha256_start(hash);
    add_padded_key(hash, key, key_size, INNER);
}

void hmac_add(sha256_t *hash, const uint8_t *data, size_t size)
{
    sha256_add(hash, data, size);
}

void hmac_finish(sha256_t *hash, const uint8_t *key, size_t key_size, uint8_t *tag)
{
    sha256_finish(hash, tag);
    sha256_start(hash);
    add_padded_key(hash, key, key_size, OUTER);
    sha256_add(hash, tag, HMAC_BYTES);
    sha256_finish(hash, tag);
}

bool hmac_equal(const uint8_t *tag, const uint8_t *other)
{
    volatile uint8_t difference = 0u; /* no compiler may stop at the first one */
    size_t at;

    for (at = 0u; at < HMAC_BYTES; at++) {
        difference = (uint8_t)(difference | (tag[at] ^ other[at]));
    }
    return difference == 0u;
}
