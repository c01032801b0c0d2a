/* The 16-bit timer 1 of the ATmega family at the core's clock, extended by its interrupt. */
#include "drivers.h"

#define TIMER_CONTROL_A REGISTER8(FMQ_COUNTER_ADDRESS)
#define TIMER_CONTROL_B REGISTER8(FMQ_COUNTER_ADDRESS + 1u)
#define TIMER_LOW REGISTER8(FMQ_COUNTER_ADDRESS + 4u)
#define TIMER_HIGH REGISTER8(FMQ_COUNTER_ADDRESS + 5u)
#define TIMER_INTERRUPTS REGISTER8(0x6Fu)
#define TIMER_FLAGS REGISTER8(0x36u)
#define TIMER_OVERFLOW 0x01u
#define TIMER_CORE_CLOCK 0x01u

void __vector_20(void); /* timer 1 overflows; the compiler knows handlers by such names */

static volatile uint16_t overflows;

__attribute__((signal, used)) void __vector_20(void)
{
    overflows++;
}

void counter_init(void)
{
    TIMER_CONTROL_A = 0u;
    TIMER_CONTROL_B = TIMER_CORE_CLOCK;
    TIMER_INTERRUPTS = TIMER_OVERFLOW;
    __asm__ volatile("sei");
}

uint32_t board_ticks(void)
{
    uint16_t before;
    uint16_t low;

    do { /* an interrupt between the two reads: read again */
        before = overflows;
        low = TIMER_LOW; /* keeps the upper half for the next read */
        low = (uint16_t)(low | (uint16_t)TIMER_HIGH << 8);
    } while (overflows != before);
    return (uint32_t)before << 16 | low;
}
