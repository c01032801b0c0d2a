/* The UART of Arm's Cortex-M System Design Kit (DDI 0479). */
#include "drivers.h"

#define UART_DATA REGISTER(FMQ_UART_ADDRESS)
#define UART_STATE REGISTER(FMQ_UART_ADDRESS + 0x4u)
#define UART_CONTROL REGISTER(FMQ_UART_ADDRESS + 0x8u)
#define UART_BAUD_DIVIDER REGISTER(FMQ_UART_ADDRESS + 0x10u)
#define UART_STATE_SEND_FULL 0x1u
#define UART_STATE_RECEIVE_FULL 0x2u
#define UART_CONTROL_SEND 0x1u
#define UART_CONTROL_RECEIVE 0x2u

void uart_init(void)
{
    UART_BAUD_DIVIDER = (FMQ_UART_CLOCK_HZ + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD;
    UART_CONTROL = UART_CONTROL_SEND | UART_CONTROL_RECEIVE;
}

bool board_readable(void)
{
    return (UART_STATE & UART_STATE_RECEIVE_FULL) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return (uint8_t)UART_DATA;
}

void board_write(uint8_t byte)
{
    while ((UART_STATE & UART_STATE_SEND_FULL) != 0u) {
    }
    UART_DATA = byte;
}
