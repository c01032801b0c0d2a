/* Arm's PrimeCell UART PL011 (DDI 0183), as in the RP2040; the board's own code has given it its
 * clock and its pins. */
#include "drivers.h"

#define UART_DATA REGISTER(FMQ_UART_ADDRESS)
#define UART_FLAGS REGISTER(FMQ_UART_ADDRESS + 0x18u)
#define UART_DIVIDER REGISTER(FMQ_UART_ADDRESS + 0x24u)
#define UART_DIVIDER_FRACTION REGISTER(FMQ_UART_ADDRESS + 0x28u)
#define UART_LINE REGISTER(FMQ_UART_ADDRESS + 0x2Cu)
#define UART_CONTROL REGISTER(FMQ_UART_ADDRESS + 0x30u)
#define UART_FLAGS_RECEIVE_EMPTY 0x10u
#define UART_FLAGS_SEND_FULL 0x20u
#define UART_LINE_8_BITS_FIFO 0x70u
#define UART_CONTROL_ENABLE 0x301u

/* in 64ths: clock / (16 * baud), rounded to the nearest */
#define DIVIDER_64 ((4u * FMQ_UART_CLOCK_HZ + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD)

void uart_init(void)
{
    UART_CONTROL = 0u;
    UART_DIVIDER = DIVIDER_64 >> 6;
    UART_DIVIDER_FRACTION = DIVIDER_64 & 63u;
    UART_LINE = UART_LINE_8_BITS_FIFO; /* also takes the divider over */
    UART_CONTROL = UART_CONTROL_ENABLE;
}

bool board_readable(void)
{
    return (UART_FLAGS & UART_FLAGS_RECEIVE_EMPTY) == 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return (uint8_t)UART_DATA;
}

void board_write(uint8_t byte)
{
    while ((UART_FLAGS & UART_FLAGS_SEND_FULL) != 0u) {
    }
    UART_DATA = byte;
}
