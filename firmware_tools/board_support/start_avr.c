/* Start-up of the ATmega2560 and its like: 57 vectors of two words each. */
#include "drivers.h"

void board_vectors(void);
void board_start(void);
void __vector_20(void);

/* no interrupt but timer 1's overflow is ever switched on: vector 20 */
__attribute__((naked, used, section(".vectors"))) void board_vectors(void)
{
    __asm__ volatile("jmp board_reset\n"
                     ".rept 19\n"
                     "jmp board_fault\n"
                     ".endr\n"
                     "jmp __vector_20\n"
                     ".rept 36\n"
                     "jmp board_fault\n"
                     ".endr\n");
}

/* Copies the variables and constants from flash, clears the other variables, and goes on in C.
 * I/O addresses: RAMPZ 0x3B, EIND 0x3C, SPL 0x3D, SPH 0x3E. */
__attribute__((naked, used)) void board_reset(void)
{
    __asm__ volatile("clr r1\n"
                     "out 0x3F, r1\n"
                     "out 0x3C, r1\n"
                     "ldi r16, lo8(__stack_top - 1)\n"
                     "out 0x3D, r16\n"
                     "ldi r16, hi8(__stack_top - 1)\n"
                     "out 0x3E, r16\n"
                     "ldi r26, lo8(__data_start)\n"
                     "ldi r27, hi8(__data_start)\n"
                     "ldi r30, lo8(__data_load)\n"
                     "ldi r31, hi8(__data_load)\n"
                     "ldi r16, hh8(__data_load)\n"
                     "out 0x3B, r16\n"
                     "ldi r17, hi8(__data_end)\n"
                     "rjmp 2f\n"
                     "1: elpm r0, Z+\n"
                     "st X+, r0\n"
                     "2: cpi r26, lo8(__data_end)\n"
                     "cpc r27, r17\n"
                     "brne 1b\n"
                     "ldi r26, lo8(__bss_start)\n"
                     "ldi r27, hi8(__bss_start)\n"
                     "ldi r17, hi8(__bss_end)\n"
                     "rjmp 4f\n"
                     "3: st X+, r1\n"
                     "4: cpi r26, lo8(__bss_end)\n"
                     "cpc r27, r17\n"
                     "brne 3b\n"
                     "jmp board_start\n");
}

__attribute__((used)) void board_start(void)
{
    uint8_t marker;

    for (volatile uint32_t *word = __stack_bottom; (uintptr_t)(word + 1) < (uintptr_t)&marker;
         word++) {
        *word = FMQ_STACK_FILL;
    }
    (void)main();
    for (;;) {
    }
}

void board_fault(void);
__attribute__((used)) void board_fault(void)
{
    for (;;) {
    }
}
