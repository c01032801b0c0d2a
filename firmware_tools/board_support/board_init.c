/* A board's parts, started in their order. */
#include "drivers.h"

__attribute__((weak)) void board_prepare(void)
{
}

void board_init(void)
{
    board_prepare();
    uart_init();
    counter_init();
}
