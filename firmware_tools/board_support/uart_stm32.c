/* The USART of STM32 F1 and F4 (RM0008, RM0041, RM0090: SR, DR, BRR, CR1); the board's own code
 * has given it its clock and its pins. */
#include "drivers.h"

#define USART_STATUS REGISTER(FMQ_UART_ADDRESS)
#define USART_DATA REGISTER(FMQ_UART_ADDRESS + 0x4u)
#define USART_BAUD_RATE REGISTER(FMQ_UART_ADDRESS + 0x8u)
#define USART_CONTROL REGISTER(FMQ_UART_ADDRESS + 0xCu)
#define USART_STATUS_RECEIVED 0x20u
#define USART_STATUS_SEND_EMPTY 0x80u
#define USART_CONTROL_ENABLE 0x2000u
#define USART_CONTROL_SEND 0x8u
#define USART_CONTROL_RECEIVE 0x4u

void uart_init(void)
{
    USART_BAUD_RATE = (FMQ_UART_CLOCK_HZ + FMQ_UART_BAUD / 2u) / FMQ_UART_BAUD;
    USART_CONTROL = USART_CONTROL_ENABLE | USART_CONTROL_SEND | USART_CONTROL_RECEIVE;
}

bool board_readable(void)
{
    return (USART_STATUS & USART_STATUS_RECEIVED) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return (uint8_t)USART_DATA;
}

void board_write(uint8_t byte)
{
    while ((USART_STATUS & USART_STATUS_SEND_EMPTY) == 0u) {
    }
    USART_DATA = byte;
}
