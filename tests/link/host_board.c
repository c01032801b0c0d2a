/*
 * A board that is a process: the serial port is standard input and output.
 *
 * Each reading of the tick counter moves it on by 0x60000000, so that sums of a
 * few readings pass 2^32. The stack is an array with a known part used. Tables are kept in the
 * file that FMQ_FLASH names, which outlives the process; the power fails at the write or erasure of
 * byte FMQ_CUT.
 */
#define _DEFAULT_SOURCE

#include "board.h"
#include "storage.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_WORDS 64u
#define STACK_USED_WORDS 24u
#define TICKS_PER_READING 0x60000000u

/* __stack_top is __stack_bottom + 256 bytes: the linker is told so. */
uint32_t __stack_bottom[STACK_WORDS];

#define SLOT_BYTES 8192u
#define SLOTS_AT ((void *)0x10000000)
#define POWER_CUT 9

static uint8_t *slots;
static long bytes_to_cut = -1;

static uint8_t input[4096];
static size_t input_size;
static size_t input_at;
static uint8_t output[4096];
static size_t output_size;

static void flush_output(void)
{
    size_t at = 0u;

    while (at < output_size) {
        const ssize_t written = write(STDOUT_FILENO, output + at, output_size - at);

        if (written <= 0) {
            exit(EXIT_FAILURE);
        }
        at += (size_t)written;
    }
    output_size = 0u;
}

static void storage_init(void)
{
    const char *name = getenv("FMQ_FLASH");
    const char *cut = getenv("FMQ_CUT");
    const int file = name == NULL ? -1 : open(name, O_RDWR);
    void *memory;

    if (file < 0) {
        return;
    }
    memory = mmap(SLOTS_AT, STORAGE_SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_FIXED, file, 0);
    if (memory == MAP_FAILED) {
        exit(EXIT_FAILURE);
    }
    slots = (uint8_t *)memory;
    bytes_to_cut = cut == NULL ? -1 : atol(cut);
}

/* Every byte that the flash changes goes through here. */
static void change(uint8_t *byte, uint8_t value)
{
    if (bytes_to_cut == 0) {
        _exit(POWER_CUT);
    }
    bytes_to_cut -= bytes_to_cut > 0 ? 1 : 0;
    *byte = value;
}

uint32_t storage_size(void)
{
    return slots == NULL ? 0u : SLOT_BYTES;
}

const uint8_t *storage_slot(uint32_t slot)
{
    return slots + (size_t)slot * SLOT_BYTES;
}

bool storage_erase(uint32_t slot)
{
    size_t at;

    for (at = 0u; at < SLOT_BYTES; at++) {
        change(slots + (size_t)slot * SLOT_BYTES + at, 0xFFu);
    }
    return true;
}

bool storage_write(uint32_t slot, uint32_t offset, const uint8_t *data, uint32_t size)
{
    uint8_t *to = slots + (size_t)slot * SLOT_BYTES + offset;
    bool holds = true;
    uint32_t at;

    for (at = 0u; at < size; at++) {
        change(&to[at], to[at] & data[at]);
        holds = holds && to[at] == data[at];
    }
    return holds;
}

void board_init(void)
{
    size_t at;

    storage_init();

    for (at = 0u; at < STACK_WORDS - STACK_USED_WORDS; at++) {
        __stack_bottom[at] = FMQ_STACK_FILL;
    }
}

bool board_readable(void)
{
    struct pollfd descriptor = {STDIN_FILENO, POLLIN, 0};

    return input_at < input_size ||
           (poll(&descriptor, 1, 0) > 0 && (descriptor.revents & POLLIN) != 0);
}

uint8_t board_read(void)
{
    if (input_at == input_size) {
        ssize_t got;

        flush_output();
        got = read(STDIN_FILENO, input, sizeof input);
        if (got <= 0) {
            exit(EXIT_SUCCESS); /* the host has gone */
        }
        input_size = (size_t)got;
        input_at = 0u;
    }
    return input[input_at++];
}

void board_write(uint8_t byte)
{
    if (output_size == sizeof output) {
        flush_output();
    }
    output[output_size++] = byte;
}

uint32_t board_ticks(void)
{
    static uint32_t ticks;

    ticks += TICKS_PER_READING;
    return ticks;
}
