#include "authentication.h"

#ifdef FMQ_AUTHENTICATED

#include "frame.h"
#include "hmac.h"

#include <fmq_key.h>

#define KEY_BYTES 32u

static void add_text(sha256_t *hash, const char *text)
{
    do {
        const uint8_t byte = (uint8_t)*text;

        hmac_add(hash, &byte, 1u);
    } while (*text++ != '\0');
}

bool authentication_holds(const uint8_t *image, uint32_t size, uint32_t version,
                          const uint8_t *tag)
{
    static const uint8_t key[KEY_BYTES] = {FMQ_KEY};
    uint8_t numbers[8];
    uint8_t right[HMAC_BYTES];
    sha256_t hash;

    frame_set32(numbers, version);
    frame_set32(numbers + 4, size);
    hmac_start(&hash, key, sizeof key);
    add_text(&hash, AUTHENTICATION_DOMAIN);
    add_text(&hash, FMQ_BOARD_ID);
    hmac_add(&hash, numbers, sizeof numbers);
    hmac_add(&hash, image, (size_t)size);
    hmac_finish(&hash, key, sizeof key, right);
    return hmac_equal(right, tag);
}

#else

bool authentication_holds(const uint8_t *image, uint32_t size, uint32_t version,
                          const uint8_t *tag)
{
    (void)image;
    (void)size;
    (void)version;
    (void)tag;
    return true;
}

#endif
