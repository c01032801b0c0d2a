/*
 * The slots as RAM that behaves like NOR flash, for emulated boards: FMQ_SLOT_BYTES is what
 * board.toml says in [storage]. Without it the board keeps no tables.
 */
#include "storage.h"

#include <string.h>

#ifndef FMQ_SLOT_BYTES
#define FMQ_SLOT_BYTES 0u
#endif

#define SLOT_WORDS (FMQ_SLOT_BYTES / 8u)

static uint64_t slots[STORAGE_SLOTS][SLOT_WORDS + 1u];

uint32_t storage_size(void)
{
    return SLOT_WORDS * 8u;
}

const uint8_t *storage_slot(uint32_t slot)
{
    return (const uint8_t *)slots[slot];
}

bool storage_erase(uint32_t slot)
{
    memset(slots[slot], 0xFF, SLOT_WORDS * 8u);
    return true;
}

bool storage_write(uint32_t slot, uint32_t offset, const uint8_t *data, uint32_t size)
{
    uint8_t *to = (uint8_t *)slots[slot] + offset;
    bool holds = true;
    uint32_t at;

    for (at = 0u; at < size; at++) {
        to[at] &= data[at];
        holds = holds && to[at] == data[at];
    }
    return holds;
}
