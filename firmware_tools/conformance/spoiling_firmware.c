/*
 * Firmware that spoils streams of the kit and decodes them, all on the board: it takes a case and
 * its stream, and answers whether what is spoilt was refused or safe, and how many there were. Who
 * builds it says how long the longest stream is, and how many bytes the levels of a case have.
 */
#include "board.h"
#include "implementation.h"
#include "spoilt.h"

int main(void);

static uint8_t stream[FMQ_STREAM_ROOM], spoilt[FMQ_STREAM_ROOM];
static uint16_t levels[(FMQ_LEVELS_ROOM + KIT_SPOILT_GUARD) / sizeof(uint16_t) + 1u];

static uint32_t read32(void)
{
    uint32_t value = 0u;
    uint32_t shift;

    for (shift = 0u; shift < 32u; shift += 8u) {
        value |= (uint32_t)board_read() << shift;
    }
    return value;
}

static void write32(uint32_t value)
{
    uint32_t shift;

    for (shift = 0u; shift < 32u; shift += 8u) {
        board_write((uint8_t)(value >> shift));
    }
}

static void read_bytes(void *to, uint32_t size)
{
    uint8_t *const bytes = to;
    uint32_t at;

    for (at = 0u; at < size; at++) {
        bytes[at] = board_read();
    }
}

int main(void)
{
    board_init();
    for (;;) {
        static kit_case_t item;
        kit_room_t room = {spoilt, (uint8_t *)levels, 0u};
        unsigned long checks = 0u;
        uint32_t size;
        int holds;

        read_bytes(item.name, KIT_NAME_SIZE);
        item.bit_depth = read32();
        item.level_bytes = read32();
        room.levels_size = read32();
        size = read32();
        read_bytes(stream, size);
        holds = kit_spoil(&item, stream, size, &room, &checks);
        write32((uint32_t)checks);
        write32((uint32_t)holds);
    }
}
