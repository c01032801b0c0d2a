/*
 * What a board is made of: board_init calls these, in this order. The numbers
 * come from board.toml as macros: FMQ_CLOCK_HZ, FMQ_UART_ADDRESS,
 * FMQ_UART_CLOCK_HZ, FMQ_UART_BAUD, FMQ_COUNTER_ADDRESS.
 *
 * A uart_<model>.c has uart_init, board_readable, board_read and board_write;
 * a counter_<model>.c has counter_init and board_ticks.
 */
#ifndef FMQ_BOARD_SUPPORT_DRIVERS_H
#define FMQ_BOARD_SUPPORT_DRIVERS_H

#include "board.h"

/* Clocks, watchdogs and pins: a board that needs none of it does not define it. */
void board_prepare(void);

void uart_init(void);
void counter_init(void);

/* The function that the linker script's entry and the reset vector name. */
void board_reset(void);


int main(void);

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define REGISTER8(address) (*(volatile uint8_t *)(uintptr_t)(address))

#endif
