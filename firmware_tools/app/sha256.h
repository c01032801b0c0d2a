/* SHA-256 (FIPS 180-4, section 6.2) of bytes in pieces of any size. */
#ifndef FMQ_APP_SHA256_H
#define FMQ_APP_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u
#define SHA256_BLOCK_BYTES 64u

typedef struct sha256 {
    uint32_t state[8];
    uint32_t block[16]; /* the words so far, most significant byte first */
    uint32_t size;      /* bytes taken so far, below 2^29 */
} sha256_t;

void sha256_start(sha256_t *hash);
void sha256_add(sha256_t *hash, const uint8_t *data, size_t size);

/* `digest` gets SHA256_BYTES; the hash is to be started anew afterwards. */
void sha256_finish(sha256_t *hash, uint8_t *digest);

#endif
