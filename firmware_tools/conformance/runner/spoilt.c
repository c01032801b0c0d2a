#include "spoilt.h"

#include <string.h>

#define CRC_SIZE 4u
#define GUARD_BYTE 0xA5

typedef struct spoiling {
    const kit_case_t *item;
    const kit_room_t *room;
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
    const uint8_t *const guard = spoiling->room->levels + spoiling->room->levels_size;
    size_t at;

    for (at = 0u; at < spoiling->room->levels_size; at += width) {
        const void *const level = spoiling->room->levels + at;

        if ((width == 1u ? *(const uint8_t *)level : *(const uint16_t *)level) >= limit) {
            return 0;
        }
    }
    for (at = 0u; at < KIT_SPOILT_GUARD; at++) {
        if (guard[at] != GUARD_BYTE) {
            return 0;
        }
    }
    return 1;
}

/* A body without its checksum, which is put behind it: refused, or taken and safe. */
static int holds(spoiling_t *spoiling, const uint8_t *body, size_t size)
{
    const kit_room_t *const room = spoiling->room;
    int status;

    memcpy(room->stream, body, size);
    put_crc(room->stream, size);
    memset(room->levels, 0, room->levels_size);
    memset(room->levels + room->levels_size, GUARD_BYTE, KIT_SPOILT_GUARD);
    status = kit_decode(spoiling->item, room->stream, size + CRC_SIZE, room->levels);
    spoiling->checks++;
    return status != KIT_DONE || is_safe(spoiling);
}

/* The same with the old checksum behind it must be refused. */
static int is_refused(spoiling_t *spoiling, const uint8_t *stream, size_t size)
{
    spoiling->checks++;
    return kit_decode(spoiling->item, stream, size, spoiling->room->levels) != KIT_DONE;
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

int kit_spoil(const kit_case_t *item, uint8_t *stream, size_t size, const kit_room_t *room,
              unsigned long *checks)
{
    spoiling_t spoiling = {item, room, 0u};
    const int hold = size >= CRC_SIZE && all_hold(&spoiling, stream, size);

    *checks += spoiling.checks;
    return hold;
}
