/*
 * What a board gives to the command loop. boards/<id>/board.c implements it.
 *
 * The build names the board: -DFMQ_BOARD_ID="\"<id>\"".
 */
#ifndef FMQ_APP_BOARD_H
#define FMQ_APP_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Start clocks, the serial port and the tick counter. Called once, first. */
void board_init(void);

/* Whether board_read would return at once. */
bool board_readable(void);

/* The next byte from the host; waits for it. */
uint8_t board_read(void);

/* Hands one byte to the serial port; waits until the port takes it. */
void board_write(uint8_t byte);

/* A free-running counter: counts up, modulo 2^32. */
uint32_t board_ticks(void);

/*
 * The ends of the stack, from the linker script. The start-up code fills the
 * words between them with FMQ_STACK_FILL before it calls main.
 */
#define FMQ_STACK_FILL 0xA5A5A5A5u
extern uint32_t __stack_bottom[];
extern uint32_t __stack_top[];

#endif
