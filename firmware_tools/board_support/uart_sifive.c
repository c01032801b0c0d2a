/* SiFive's UART (FE310-G002 Manual, chapter 18). Reading its data register takes the byte, so
 * board_readable keeps it. */
#include "drivers.h"

#define UART_SEND_DATA REGISTER(FMQ_UART_ADDRESS)
#define UART_RECEIVE_DATA REGISTER(FMQ_UART_ADDRESS + 0x4u)
#define UART_SEND_CONTROL REGISTER(FMQ_UART_ADDRESS + 0x8u)
#define UART_RECEIVE_CONTROL REGISTER(FMQ_UART_ADDRESS + 0xCu)
#define UART_DIVIDER REGISTER(FMQ_UART_ADDRESS + 0x18u)
#define UART_SEND_FULL 0x80000000u
#define UART_RECEIVE_EMPTY 0x80000000u
#define UART_ENABLE 0x1u

static uint32_t received;
static bool has_received;

void uart_init(void)
{
    UART_DIVIDER = (FMQ_UART_CLOCK_HZ + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD - 1u;
    UART_SEND_CONTROL = UART_ENABLE;
    UART_RECEIVE_CONTROL = UART_ENABLE;
}

bool board_readable(void)
{
    if (!has_received) {
        received = UART_RECEIVE_DATA;
        has_received = (received & UART_RECEIVE_EMPTY) == 0u;
    }
    return has_received;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    has_received = false;
    return (uint8_t)received;
}

void board_write(uint8_t byte)
{
    while ((UART_SEND_DATA & UART_SEND_FULL) != 0u) {
    }
    UART_SEND_DATA = byte;
}
