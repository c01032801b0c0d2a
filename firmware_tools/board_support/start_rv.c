/* Start-up of RISC-V cores in machine mode. */
#include "start_program.h"

void board_start(void);
void board_fault(void);

/* Other harts than the first sleep; the global pointer is not used. */
__attribute__((naked, used, section(".start"))) void board_reset(void)
{
    __asm__ volatile("la sp, __stack_top\n"
                     "la t0, board_fault\n"
                     "csrw mtvec, t0\n"
                     "csrw mie, zero\n"
                     "csrr t0, mhartid\n"
                     "1: bnez t0, 1b\n"
                     "j board_start\n");
}

__attribute__((used)) void board_start(void)
{
    uint32_t *stack_pointer;

    __asm__ volatile("mv %0, sp" : "=r"(stack_pointer));
    run_program(stack_pointer);
}

/* Leaves the faulting code's address in a0, its return address in a1, the cause in a2: a debugger
 * finds them there. */
__attribute__((naked, used, aligned(4))) void board_fault(void)
{
    __asm__ volatile("csrr a0, mepc\n"
                     "mv a1, ra\n"
                     "csrr a2, mcause\n"
                     "1: j 1b\n");
}
