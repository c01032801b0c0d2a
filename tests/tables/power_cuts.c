/*
 * Updates tables as the commands do, once for each byte that the memory changes, with the power
 * failing there; starts anew each time and looks at which tables are in use.
 *
 *   power_cuts FIRST SECOND     images for slot 0 and slot 1
 *
 * Prints the number of cuts, how many left the old tables and how many the new. Status 1 if any
 * left something else, or if an update that is not cut does not count.
 */
#define _DEFAULT_SOURCE

#include "board.h"
#include "storage.h"
#include "table_commands.h"
#include "tables.h"

#include <fmq/crc32.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT_BYTES 8192u
#define SLOTS_AT ((void *)0x10000000)
#define PIECE 200u

static uint8_t *slots;
static uint8_t kept[STORAGE_SLOTS * SLOT_BYTES];
static long left = -1;
static jmp_buf power;

static void change(uint8_t *byte, uint8_t value)
{
    if (left == 0) {
        longjmp(power, 1);
    }
    left -= left > 0;
    *byte = value;
}

uint32_t storage_size(void)
{
    return SLOT_BYTES;
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

/* the line is not used here */
bool board_readable(void)
{
    return false;
}

uint8_t board_read(void)
{
    return 0u;
}

void board_write(uint8_t byte)
{
    (void)byte;
}

static void expect(uint8_t status)
{
    if (status != FMQ_LINK_OK) {
        printf("an update ended with status %u\n", status);
        exit(EXIT_FAILURE);
    }
}

static void update(uint8_t slot, const uint8_t *image, uint32_t size)
{
    static frame_t request;
    static frame_t answer;
    uint32_t at;

    request.size = 0u;
    frame_put8(&request, slot);
    expect(table_command_erase(&request, &answer));
    for (at = 0u; at < size; at += PIECE) {
        const uint32_t piece = size - at < PIECE ? size - at : PIECE;

        request.size = 0u;
        frame_put8(&request, slot);
        frame_put32(&request, at);
        memcpy(request.body + request.size, image + at, piece);
        request.size += piece;
        expect(table_command_load(&request, &answer));
    }
    request.size = 0u;
    frame_put8(&request, slot);
    frame_put32(&request, size);
    frame_put32(&request, fmq_crc32(0u, image, size));
    expect(table_command_commit(&request, &answer));
    tables_choose();
}

static uint32_t load(const char *name, uint8_t *image)
{
    FILE *file = fopen(name, "rb");
    const size_t size = file == NULL ? 0u : fread(image, 1u, SLOT_BYTES, file);

    if (size == 0u) {
        exit(EXIT_FAILURE);
    }
    fclose(file);
    return (uint32_t)size;
}

int main(int argc, char **argv)
{
    static uint8_t first[SLOT_BYTES];
    static uint8_t second[SLOT_BYTES];
    uint32_t first_size;
    uint32_t second_size;
    uint32_t old_crc;
    static volatile long cuts;
    static volatile long old_count;
    static volatile long new_count;

    if (argc != 3) {
        return EXIT_FAILURE;
    }
    slots = (uint8_t *)mmap(SLOTS_AT, STORAGE_SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    first_size = load(argv[1], first);
    second_size = load(argv[2], second);
    memset(slots + SLOT_BYTES, 0x5A, SLOT_BYTES); /* what was there before the erasure */
    tables_choose();
    update(0u, first, first_size);
    old_crc = tables_deployment->crc32;
    memcpy(kept, slots, sizeof kept);
    for (cuts = 0;; cuts++) {
        bool is_whole = false;

        memcpy(slots, kept, sizeof kept);
        tables_choose();
        left = cuts;
        if (setjmp(power) == 0) {
            update(1u, second, second_size);
            is_whole = true;
        }
        left = -1;
        tables_choose();
        if (is_whole) {
            break;
        }
        if (tables_deployment->crc32 == old_crc && tables_slot() == 0u) {
            old_count++;
        } else if (tables_deployment->crc32 == old_crc + 1u && tables_slot() == 1u) {
            new_count++;
        } else {
            printf("cut %ld leaves neither\n", cuts);
            return EXIT_FAILURE;
        }
        update(1u, second, second_size); /* and it can be done again */
        if (tables_deployment->crc32 != old_crc + 1u) {
            printf("after cut %ld the tables cannot be updated\n", cuts);
            return EXIT_FAILURE;
        }
    }
    printf("%ld %ld %ld\n", cuts, old_count, new_count);
    return tables_deployment->crc32 == old_crc + 1u ? EXIT_SUCCESS : EXIT_FAILURE;
}
