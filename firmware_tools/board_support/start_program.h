/* The part of the start-up code that is C on every core. */
#ifndef FMQ_BOARD_SUPPORT_START_PROGRAM_H
#define FMQ_BOARD_SUPPORT_START_PROGRAM_H

#include "drivers.h"

extern uint32_t __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_load[];

/* as numbers: for C the symbols of the linker script are unrelated objects */
static inline bool is_below(const volatile uint32_t *word, const volatile uint32_t *end)
{
    return (uintptr_t)word < (uintptr_t)end;
}

/* Fills the stack below `stack_pointer`, makes the variables, runs main. */
static inline void run_program(const uint32_t *stack_pointer)
{
    const uint32_t *from = __data_load;

    for (volatile uint32_t *word = __stack_bottom; is_below(word, stack_pointer); word++) {
        *word = FMQ_STACK_FILL;
    }
    for (volatile uint32_t *word = __data_start; is_below(word, __data_end); word++) {
        *word = *from++;
    }
    for (volatile uint32_t *word = __bss_start; is_below(word, __bss_end); word++) {
        *word = 0u;
    }
    (void)main();
    for (;;) {
    }
}

#endif
