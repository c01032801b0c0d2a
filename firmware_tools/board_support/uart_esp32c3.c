/* UART 0 of the ESP32-C3 (Technical Reference Manual, chapter 26), with the speed of 115200 and the
 * pins that the ROM's loader has given it. */
#include "drivers.h"

#if FMQ_UART_BAUD != 115200
#error "the ESP32-C3's UART runs at 115200, as its ROM sets it"
#endif

#define UART_FIFO REGISTER(FMQ_UART_ADDRESS)
#define UART_STATUS REGISTER(FMQ_UART_ADDRESS + 0x1Cu)
#define UART_STATUS_RECEIVED 0x3FFu
#define UART_STATUS_UNSENT(status) (((status) >> 16) & 0x3FFu)
#define UART_FIFO_SIZE 126u

void uart_init(void)
{
}

bool board_readable(void)
{
    return (UART_STATUS & UART_STATUS_RECEIVED) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return (uint8_t)UART_FIFO;
}

void board_write(uint8_t byte)
{
    while (UART_STATUS_UNSENT(UART_STATUS) >= UART_FIFO_SIZE) {
    }
    UART_FIFO = byte;
}
