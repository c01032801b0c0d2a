/* Start-up of every Cortex-M core. */
#include "start_program.h"

void board_fault(void);
void board_systick(void);

struct vectors {
    uint32_t *stack_top;
    void (*handlers[15])(void);
};

/* no peripheral's interrupt is ever switched on, so the table ends with the core's own */
extern const struct vectors board_vectors;
__attribute__((section(".vectors"), used)) const struct vectors board_vectors = {
    __stack_top,
    {board_reset, board_fault, board_fault, board_fault, board_fault, board_fault, board_fault,
     board_fault, board_fault, board_fault, board_fault, board_fault, board_fault, board_fault,
     board_systick}};

/* A boot loader may have left another stack: the vectors' own is taken again. */
__attribute__((naked)) void board_reset(void)
{
    __asm__ volatile(".syntax unified\n"
                     "ldr r0, =board_vectors\n"
                     "ldr r1, [r0]\n"
                     "mov sp, r1\n"
                     "ldr r2, =0xE000ED08\n" /* the vectors' address register */
                     "str r0, [r2]\n"
#if defined(__ARM_FEATURE_MVE)
                     /* vector instructions need coprocessors 10 and 11 */
                     "ldr r2, =0xE000ED88\n"
                     "ldr r1, =0x00F00000\n"
                     "str r1, [r2]\n"
                     "dsb\n"
                     "isb\n"
#endif
                     "bl board_start\n"
                     ".ltorg\n");
}

void board_start(void);
__attribute__((used)) void board_start(void)
{
    uint32_t *stack_pointer;

    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    run_program(stack_pointer);
}

/* Puts the program counter and the return address of the faulting code into r0 and r1, the fault
 * status into r2, and locks the core up: a debugger finds them there, QEMU prints them. */
__attribute__((naked)) void board_fault(void)
{
    __asm__ volatile(".syntax unified\n"
                     "movs r0, #4\n"
                     "mov r1, lr\n"
                     "mrs r3, msp\n"
                     "tst r0, r1\n"
                     "beq 1f\n"
                     "mrs r3, psp\n"
                     "1:\n"
                     "ldr r2, =0xE000ED28\n"
                     "ldr r2, [r2]\n"
                     "ldr r1, [r3, #20]\n"
                     "ldr r0, [r3, #24]\n"
                     "udf #0\n"
                     ".ltorg\n");
}

/* a counter that uses it brings its own */
__attribute__((weak)) void board_systick(void)
{
    board_fault();
}
