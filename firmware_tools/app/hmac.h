/* HMAC-SHA-256 (RFC 2104, FIPS 198-1) of bytes in pieces of any size. */
#ifndef FMQ_APP_HMAC_H
#define FMQ_APP_HMAC_H

#include "sha256.h"

#include <stdbool.h>

#define HMAC_BYTES SHA256_BYTES

/* key_size: at most SHA256_BLOCK_BYTES; the same key at the start and at the end. */
void hmac_start(sha256_t *hash, const uint8_t *key, size_t key_size);
void hmac_add(sha256_t *hash, const uint8_t *data, size_t size);

/* `tag` gets HMAC_BYTES. */
void hmac_finish(sha256_t *hash, const uint8_t *key, size_t key_size, uint8_t *tag);

/* Whether two tags are the same; takes as long wherever they differ. */
bool hmac_equal(const uint8_t *tag, const uint8_t *other);

#endif
