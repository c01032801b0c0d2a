/* The USART of the ATmega family, at double speed: the divider for 115200 is then nearer. */
#include "drivers.h"

#define UART_STATUS REGISTER8(FMQ_UART_ADDRESS)
#define UART_CONTROL REGISTER8(FMQ_UART_ADDRESS + 1u)
#define UART_FORMAT REGISTER8(FMQ_UART_ADDRESS + 2u)
#define UART_DIVIDER_LOW REGISTER8(FMQ_UART_ADDRESS + 4u)
#define UART_DIVIDER_HIGH REGISTER8(FMQ_UART_ADDRESS + 5u)
#define UART_DATA REGISTER8(FMQ_UART_ADDRESS + 6u)
#define UART_STATUS_RECEIVED 0x80u
#define UART_STATUS_SEND_EMPTY 0x20u
#define UART_STATUS_DOUBLE_SPEED 0x02u
#define UART_CONTROL_RECEIVE_SEND 0x18u
#define UART_FORMAT_8_BITS 0x06u

#define DIVIDER ((FMQ_UART_CLOCK_HZ / 8u + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD - 1u)

void uart_init(void)
{
    UART_DIVIDER_HIGH = (uint8_t)(DIVIDER >> 8);
    UART_DIVIDER_LOW = (uint8_t)(DIVIDER & 0xFFu);
    UART_STATUS = UART_STATUS_DOUBLE_SPEED;
    UART_FORMAT = UART_FORMAT_8_BITS;
    UART_CONTROL = UART_CONTROL_RECEIVE_SEND;
}

bool board_readable(void)
{
    return (UART_STATUS & UART_STATUS_RECEIVED) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return UART_DATA;
}

void board_write(uint8_t byte)
{
    while ((UART_STATUS & UART_STATUS_SEND_EMPTY) == 0u) {
    }
    UART_DATA = byte;
}
