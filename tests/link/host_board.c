/*
 * A board that is a process: the serial port is standard input and output.
 *
 * Each reading of the tick counter moves it on by 0x60000000, so that sums of a
 * few readings pass 2^32. The stack is an array with a known part used.
 */
#define _POSIX_C_SOURCE 200809L

#include "board.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_WORDS 64u
#define STACK_USED_WORDS 24u
#define TICKS_PER_READING 0x60000000u

/* __stack_top is __stack_bottom + 256 bytes: the linker is told so. */
uint32_t __stack_bottom[STACK_WORDS];

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

void board_init(void)
{
    size_t at;

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
