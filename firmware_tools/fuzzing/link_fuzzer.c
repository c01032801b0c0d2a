/*
 * A host that sends whatever it likes, for libFuzzer: byte 0 of an input says whether the rest is
 * bytes on the line, or requests that are sent in right frames, each as command, size of the body
 * and body. The firmware has a key, memory for tables and a real deployment.
 */
#include "board.h"
#include "commands.h"
#include "frame.h"
#include "storage.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>

#define STACK_WORDS 64u
#define LINE_BYTES 16384u
#define RUN_BYTES 254u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

uint32_t __stack_bottom[STACK_WORDS];

static uint8_t line[LINE_BYTES];
static size_t line_size;
static size_t line_at;
static jmp_buf end_of_line;

/* ---- the board ---- */

void board_init(void)
{
}

bool board_readable(void)
{
    return line_at < line_size;
}

uint8_t board_read(void)
{
    if (line_at == line_size) {
        longjmp(end_of_line, 1);
    }
    return line[line_at++];
}

void board_write(uint8_t byte)
{
    (void)byte;
}

uint32_t board_ticks(void)
{
    static uint32_t ticks;

    ticks += 0x60000000u;
    return ticks;
}

/* ---- the host ---- */

static void put_line(uint8_t byte)
{
    if (line_size < LINE_BYTES) {
        line[line_size] = byte;
        line_size++;
    }
}

static void put_escaped(uint8_t byte)
{
    if (byte == 0x0Au || byte == 0x0Du || byte == 0x11u || byte == 0x13u ||
        byte == FMQ_LINK_ESCAPE) {
        put_line(FMQ_LINK_ESCAPE);
        byte ^= FMQ_LINK_ESCAPE_FLIP;
    }
    put_line(byte);
}

/* COBS of a payload and its CRC-32, and the delimiter. */
static void put_frame(uint8_t *payload, size_t size, uint32_t crc)
{
    size_t begin = 0u;
    size_t end;
    bool is_full;

    frame_set32(payload + size, crc);
    size += FRAME_CRC_SIZE;
    do {
        end = begin;
        while (end < size && payload[end] != 0u && end - begin < RUN_BYTES) {
            end++;
        }
        is_full = end - begin == RUN_BYTES;
        put_escaped((uint8_t)(end - begin + 1u));
        for (; begin < end; begin++) {
            put_escaped(payload[begin]);
        }
        begin += is_full ? 0u : 1u; /* behind a short run stands a zero */
    } while (end < size);
    put_line(0u);
}

static uint32_t crc_of(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t at;
    uint32_t bit;

    for (at = 0u; at < size; at++) {
        crc ^= data[at];
        for (bit = 0u; bit < 8u; bit++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void put_requests(const uint8_t *data, size_t size)
{
    static uint8_t payload[2u + 255u + FRAME_CRC_SIZE];
    uint8_t sequence = 0u;

    while (size >= 2u) {
        const size_t body = data[1] < size - 2u ? data[1] : size - 2u;
        size_t at;

        payload[0] = data[0];
        payload[1] = sequence++;
        for (at = 0u; at < body; at++) {
            payload[2u + at] = data[2u + at];
        }
        put_frame(payload, 2u + body, crc_of(payload, 2u + body));
        data += 2u + body;
        size -= 2u + body;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static frame_t request;
    size_t at;

    if (size == 0u) {
        return 0;
    }
    line_size = 0u;
    line_at = 0u;
    if ((data[0] & 1u) != 0u) {
        put_requests(data + 1, size - 1u);
    } else {
        for (at = 1u; at < size; at++) {
            put_line(data[at]);
        }
    }
    (void)storage_erase(0u);
    (void)storage_erase(1u);
    commands_init();
    if (setjmp(end_of_line) == 0) {
        for (;;) {
            frame_receive(&request);
            if (request.size > FMQ_LINK_MAX_BODY) {
                abort();
            }
            frame_send(commands_answer(&request));
        }
    }
    return 0;
}
