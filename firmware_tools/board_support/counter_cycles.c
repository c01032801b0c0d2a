/* The cycle counter of the core's debug unit (Arm v7-M Architecture Reference Manual, C1.8);
 * where it does not count, as in an emulator, the system timer, extended by its interrupt. */
#include "drivers.h"

#define DEBUG_CONTROL REGISTER(0xE000EDFCu)
#define DEBUG_CONTROL_TRACE 0x01000000u
#define CYCLE_CONTROL REGISTER(0xE0001000u)
#define CYCLE_CONTROL_ENABLE 0x1u
#define CYCLES REGISTER(0xE0001004u)

#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define SYSTICK_CONTROL_CORE_CLOCK_INTERRUPT_ENABLE 0x7u
#define SYSTICK_PERIOD 0x1000000u

void board_systick(void);

static bool has_cycle_counter;
static volatile uint32_t periods; /* of the system timer, in ticks */

void counter_init(void)
{
    uint32_t before;

    DEBUG_CONTROL |= DEBUG_CONTROL_TRACE;
    CYCLES = 0u;
    CYCLE_CONTROL |= CYCLE_CONTROL_ENABLE;
    before = CYCLES;
    has_cycle_counter = CYCLES != before;
    if (!has_cycle_counter) {
        SYSTICK_RELOAD = SYSTICK_PERIOD - 1u;
        SYSTICK_VALUE = 0u;
        SYSTICK_CONTROL = SYSTICK_CONTROL_CORE_CLOCK_INTERRUPT_ENABLE;
    }
}

void board_systick(void)
{
    periods += SYSTICK_PERIOD;
}

uint32_t board_ticks(void)
{
    uint32_t before;
    uint32_t left;

    if (has_cycle_counter) {
        return CYCLES;
    }
    do { /* an interrupt between the two reads: read again */
        before = periods;
        left = SYSTICK_VALUE;
    } while (periods != before);
    return before + (SYSTICK_PERIOD - 1u - left);
}
