/* The kit's crystal and the pins that lead to its debugger's serial port. */
#include "drivers.h"

#define CRYSTAL_START REGISTER(0x40000000u)
#define CRYSTAL_STARTED REGISTER(0x40000100u)
#define GPIO_SET REGISTER(0x50000508u)
#define GPIO_DIRECTION_OUT REGISTER(0x50000518u)
#define UART_PIN_SEND REGISTER(FMQ_UART_ADDRESS + 0x50Cu)
#define UART_PIN_RECEIVE REGISTER(FMQ_UART_ADDRESS + 0x514u)
#define PIN_SEND 6u
#define PIN_RECEIVE 8u

void board_prepare(void)
{
    CRYSTAL_START = 1u;
    while (CRYSTAL_STARTED == 0u) {
    }
    GPIO_SET = 1u << PIN_SEND;
    GPIO_DIRECTION_OUT = 1u << PIN_SEND;
    UART_PIN_SEND = PIN_SEND;
    UART_PIN_RECEIVE = PIN_RECEIVE;
}
