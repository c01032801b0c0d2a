/* National Semiconductor's 16550 UART with registers of a byte. */
#include "drivers.h"

#define UART_DATA REGISTER8(FMQ_UART_ADDRESS)
#define UART_DIVIDER_LOW REGISTER8(FMQ_UART_ADDRESS)
#define UART_DIVIDER_HIGH REGISTER8(FMQ_UART_ADDRESS + 1u)
#define UART_FIFO_CONTROL REGISTER8(FMQ_UART_ADDRESS + 2u)
#define UART_LINE_CONTROL REGISTER8(FMQ_UART_ADDRESS + 3u)
#define UART_LINE_STATUS REGISTER8(FMQ_UART_ADDRESS + 5u)
#define UART_LINE_8_BITS 0x03u
#define UART_LINE_DIVIDER_ACCESS 0x80u
#define UART_STATUS_RECEIVED 0x01u
#define UART_STATUS_SEND_EMPTY 0x20u

#define DIVIDER ((FMQ_UART_CLOCK_HZ / 16u + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD)

void uart_init(void)
{
    UART_LINE_CONTROL = UART_LINE_8_BITS | UART_LINE_DIVIDER_ACCESS;
    UART_DIVIDER_LOW = (uint8_t)(DIVIDER & 0xFFu);
    UART_DIVIDER_HIGH = (uint8_t)(DIVIDER >> 8);
    UART_LINE_CONTROL = UART_LINE_8_BITS;
    UART_FIFO_CONTROL = 0u; /* without it nothing is lost: QEMU fills a FIFO before it is asked */
}

bool board_readable(void)
{
    return (UART_LINE_STATUS & UART_STATUS_RECEIVED) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return UART_DATA;
}

void board_write(uint8_t byte)
{
    while ((UART_LINE_STATUS & UART_STATUS_SEND_EMPTY) == 0u) {
    }
    UART_DATA = byte;
}
