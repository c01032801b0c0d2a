/* Start-up, UART 0 and timer 0 of the MPS2's AN386 image (Cortex-M System Design Kit blocks). */

#include "board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CONTROL REGISTER(0x40004008u)
#define UART_BAUD_DIVIDER REGISTER(0x40004010u)
#define UART_STATE_SEND_FULL 0x1u
#define UART_STATE_RECEIVE_FULL 0x2u
#define UART_CONTROL_SEND 0x1u
#define UART_CONTROL_RECEIVE 0x2u
#define UART_DIVIDER_115200 217u /* of 25 MHz */

#define TIMER_CONTROL REGISTER(0x40000000u)
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)
#define TIMER_CONTROL_ENABLE 0x1u

extern uint32_t __data_start[], __data_end[], __bss_start[], __bss_end[];
extern const uint32_t __data_load[];

int main(void);
void board_reset(void);
void board_fault(void);

struct vectors {
    uint32_t *stack_top;
    void (*handlers[15])(void);
};

/* no interrupt is ever switched on, so the table ends with the core's own exceptions */
extern const struct vectors board_vectors;
__attribute__((section(".vectors"), used)) const struct vectors board_vectors = {
    __stack_top,
    {board_reset, board_fault, board_fault, board_fault, board_fault, board_fault, board_fault,
     board_fault, board_fault, board_fault, board_fault, board_fault, board_fault, board_fault,
     board_fault}};

/* as numbers: for C the symbols of the linker script are unrelated objects */
static bool is_below(const volatile uint32_t *word, const uint32_t *end)
{
    return (uintptr_t)word < (uintptr_t)end;
}

void board_reset(void)
{
    uint32_t *stack_pointer;
    const uint32_t *from = __data_load;

    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
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

/* Puts the program counter and the return address of the faulting code into r0 and r1, the fault
 * status into r2, and locks the core up: a debugger finds them there, QEMU prints them. */
__attribute__((naked)) void board_fault(void)
{
    __asm__ volatile("tst lr, #4\n"
                     "ite eq\n"
                     "mrseq r3, msp\n"
                     "mrsne r3, psp\n"
                     "movw r2, #0xED28\n"
                     "movt r2, #0xE000\n"
                     "ldr r2, [r2]\n"
                     "ldr r1, [r3, #20]\n"
                     "ldr r0, [r3, #24]\n"
                     "udf #0\n");
}

void board_init(void)
{
    UART_BAUD_DIVIDER = UART_DIVIDER_115200;
    UART_CONTROL = UART_CONTROL_SEND | UART_CONTROL_RECEIVE;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CONTROL = TIMER_CONTROL_ENABLE;
}

bool board_readable(void)
{
    return (UART_STATE & UART_STATE_RECEIVE_FULL) != 0u;
}

uint8_t board_read(void)
{
    while (!board_readable()) {
    }
    return (uint8_t)UART_DATA;
}

void board_write(uint8_t byte)
{
    while ((UART_STATE & UART_STATE_SEND_FULL) != 0u) {
    }
    UART_DATA = byte;
}

uint32_t board_ticks(void)
{
    return UINT32_MAX - TIMER_VALUE; /* it counts down */
}
