/* Sends bitstreams of the sizes it is called with to standard output; see test_device_c.py. */
#include "board.h"
#include "send_stream.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t stream[70000];

bool board_readable(void)
{
    return false;
}

uint8_t board_read(void)
{
    exit(EXIT_FAILURE); /* nothing is asked here */
}

void board_write(uint8_t byte)
{
    (void)putchar(byte);
}

int main(int count, char **arguments)
{
    uint32_t byte;
    int at;

    for (byte = 0u; byte < sizeof stream; byte++) {
        stream[byte] = (uint8_t)(byte * byte >> 3);
    }
    for (at = 1; at < count; at++) {
        send_stream(stream, (uint32_t)strtoul(arguments[at], NULL, 10), (uint8_t)(at + 250));
    }
    return EXIT_SUCCESS;
}
