/* The timer of Arm's Cortex-M System Design Kit (DDI 0479), counting down over all 32 bits. */
#include "drivers.h"

#define TIMER_CONTROL REGISTER(FMQ_COUNTER_ADDRESS)
#define TIMER_VALUE REGISTER(FMQ_COUNTER_ADDRESS + 0x4u)
#define TIMER_RELOAD REGISTER(FMQ_COUNTER_ADDRESS + 0x8u)
#define TIMER_CONTROL_ENABLE 0x1u

void counter_init(void)
{
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CONTROL = TIMER_CONTROL_ENABLE;
}

uint32_t board_ticks(void)
{
    return UINT32_MAX - TIMER_VALUE;
}
