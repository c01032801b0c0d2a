/* The ESP32-C3's own performance counter, on cycles (Technical Reference Manual, 1.4). */
#include "drivers.h"

void counter_init(void)
{
    __asm__ volatile("csrwi 0x7E0, 1\n"  /* mpcer: cycles */
                     "csrwi 0x7E1, 1\n"); /* mpcmr: on */
}

uint32_t board_ticks(void)
{
    uint32_t ticks;

    __asm__ volatile("csrr %0, 0x7E2" : "=r"(ticks)); /* mpccr */
    return ticks;
}
