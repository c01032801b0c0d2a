#include "spoilt.h"

#include <stdlib.h>
#include <string.h>

#define CRC_SIZE 4u
#define GUARD 16u
#define GUARD_BYTE 0xA5

typedef struct spoiling {
    const kit_case_t *item;
    uint8_t *stream, *levels;
    size_t levels_size;
    unsigned long checks;
} spoiling_t;

static void put_crc(uint8_t *stream, size_t body)
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t at;
    unsigned bit;

    for (at = 0u; at < body; at++) {
        crc ^= stream[at];
        for (bit = 0u; bit < 8u; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    for (at = 0u; at < CRC_SIZE; at++) {
        stream[body + at] = (uint8_t)(~crc >> (8u * at) & 0xFFu);
    }
}

/* Whether the levels are of their depth, and nothing behind them was written. */
static int is_safe(const spoiling_t *spoiling)
{
    const uint32_t limit = (uint32_t)1 << spoiling->item->bit_depth;
    const size_t width = spoiling->item->level_bytes;
    size_t at;

    for (at = 0u; at < spoiling->levels_size; at += width) {
        const void *const level = spoiling->levels + at;

        if ((width == 1u ? *(const uint8_t *)level : *(const uint16_t *)level) >= limit) {
            return 0;
        }
    }
    for (at = 0u; at < GUARD; at++) {
        if (spoiling->levels[spoiling->levels_size + at] != GUARD_BYTE) {
            return 0;
        }
    }
    return 1;
}

/* A body without its checksum, which is put behind it: refused, or taken and safe. */
static int holds(spoiling_t *spoiling, const uint8_t *body, size_t size)
{
    int status;

    memcpy(spoiling->stream, body, size);
    put_crc(spoiling->stream, size);
    memset(spoiling->levels, 0, spoiling->levels_size);
    memset(spoiling->levels + spoiling->levels_size, GUARD_BYTE, GUARD);
    status = kit_decode(spoiling->item, spoiling->stream, size + CRC_SIZE, spoiling->levels);
    spoiling->checks++;
    return status != KIT_DONE || is_safe(spoiling);
}

/* The same with the old checksum behind it must be refused. */
static int is_refused(spoiling_t *spoiling, const uint8_t *stream, size_t size)
{
    spoiling->checks++;
    return kit_decode(spoiling->item, stream, size, spoiling->levels) != KIT_DONE;
}

static int all_hold(spoiling_t *spoiling, uint8_t *stream, size_t size)
{
    const size_t body = size - CRC_SIZE;
    int hold = 1;
    size_t at;

    for (at = 0u; at < size && hold; at++) {
        hold = is_refused(spoiling, stream, at) && (at >= body || holds(spoiling, stream, at));
    }
    for (at = 0u; at < 8u * size && hold; at++) {
        stream[at >> 3] ^= (uint8_t)(1u << (at & 7u));
        hold = is_refused(spoiling, stream, size) &&
               (at >> 3 >= body || holds(spoiling, stream, body));
        stream[at >> 3] ^= (uint8_t)(1u << (at & 7u));
    }
    return hold;
}

int kit_spoil(const kit_case_t *item, uint8_t *stream, size_t size, size_t levels_size,
              unsigned long *checks)
{
    spoiling_t spoiling = {item, malloc(size), malloc(levels_size + GUARD), levels_size, 0u};
    const int hold = spoiling.stream != NULL && spoiling.levels != NULL && size >= CRC_SIZE &&
                     all_hold(&spoiling, stream, size);

    *checks += spoiling.checks;
    free(spoiling.levels);
    free(spoiling.stream);
    return hold;
}
