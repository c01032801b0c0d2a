/* The cycle counter of RISC-V's machine mode (mcycle). */
#include "drivers.h"

void counter_init(void)
{
}

uint32_t board_ticks(void)
{
    uint32_t ticks;

    __asm__ volatile("csrr %0, mcycle" : "=r"(ticks));
    return ticks;
}
