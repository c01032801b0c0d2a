/* The UART of nRF51 and nRF52 (nRF51 Series Reference Manual, chapter 29; without EasyDMA); the
 * board's own code has chosen its pins. */
#include "drivers.h"

#define UART_START_RECEIVE REGISTER(FMQ_UART_ADDRESS)
#define UART_START_SEND REGISTER(FMQ_UART_ADDRESS + 0x8u)
#define UART_RECEIVED REGISTER(FMQ_UART_ADDRESS + 0x108u)
#define UART_SENT REGISTER(FMQ_UART_ADDRESS + 0x11Cu)
#define UART_ENABLE REGISTER(FMQ_UART_ADDRESS + 0x500u)
#define UART_RECEIVE_DATA REGISTER(FMQ_UART_ADDRESS + 0x518u)
#define UART_SEND_DATA REGISTER(FMQ_UART_ADDRESS + 0x51Cu)
#define UART_BAUD_RATE REGISTER(FMQ_UART_ADDRESS + 0x524u)
#define UART_ENABLED 4u

/* baud * 2^32 / 16 MHz; the upper 20 bits count */
#define BAUD_BITS ((((uint64_t)FMQ_UART_BAUD << 32) / 16000000u + 0x800u) & 0xFFFFF000u)

static bool is_sending;

void uart_init(void)
{
    UART_BAUD_RATE = (uint32_t)BAUD_BITS;
    UART_ENABLE = UART_ENABLED;
    UART_RECEIVED = 0u;
    UART_SENT = 0u;
    UART_START_SEND = 1u;
    UART_START_RECEIVE = 1u;
}

bool board_readable(void)
{
    return UART_RECEIVED != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    UART_RECEIVED = 0u; /* before the read: it lets the next byte in */
    return (uint8_t)UART_RECEIVE_DATA;
}

void board_write(uint8_t byte)
{
    while (is_sending && UART_SENT == 0u) {
    }
    is_sending = true;
    UART_SENT = 0u;
    UART_SEND_DATA = byte;
}
