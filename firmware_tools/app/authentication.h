/*
 * Whether tables come from someone who has this firmware's key.
 *
 * A firmware that is built with FMQ_AUTHENTICATED has the key of fmq_key.h and takes only tables
 * with a tag; any other takes what comes. There is no key by default.
 */
#ifndef FMQ_APP_AUTHENTICATION_H
#define FMQ_APP_AUTHENTICATION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef FMQ_AUTHENTICATED
#define AUTHENTICATION_TAG_BYTES 32u
#else
#define AUTHENTICATION_TAG_BYTES 0u
#endif

#define AUTHENTICATION_DOMAIN "fmq tables 1"

/*
 * Whether the tag is the HMAC-SHA-256 of: AUTHENTICATION_DOMAIN and the board's id, each with
 * its final zero, the version and the size as 32 bits, little-endian, and the image.
 */
bool authentication_holds(const uint8_t *image, uint32_t size, uint32_t version,
                          const uint8_t *tag);

#endif
