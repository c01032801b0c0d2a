/* The second stage of the RP2040's boot (datasheet, 2.8.1.3): the ROM loads the first 256 bytes of
 * the flash into RAM, checks their CRC-32 (0x04C11DB7, not reflected, from all ones) and runs them.
 *
 * The words are this program for the Cortex-M0+. It sets the flash's interface (datasheet, 4.10)
 * to the plain read command 03h, which every serial flash knows, and starts the program behind it:
 *
 *     push {lr}                        ldr r0, =0x180000F4        SPI_CTRLR0
 *     ldr r3, =0x18000000              ldr r1, =0x03000218        command 03h of 8 bits,
 *     movs r1, #0                      str r1, [r0]               an address of 24
 *     str r1, [r3, #0x08]   SSIENR     movs r1, #1
 *     movs r1, #4                      str r1, [r3, #0x08]        SSIENR
 *     str r1, [r3, #0x14]   BAUDR      pop {r0}                   who called? the ROM: 0
 *     ldr r1, =0x001F0300   words of   cmp r0, #0                 else return
 *     str r1, [r3, #0x00]   32 bits,   bne return
 *     movs r1, #0           EEPROM     ldr r0, =0x10000100        the vectors: to VTOR,
 *     str r1, [r3, #0x04]   reads      take sp and pc from them
 */
#include <stdint.h>

extern const uint32_t board_boot2[64];
__attribute__((section(".boot2"), used)) const uint32_t board_boot2[64] = {
    0x4B0CB500u, 0x60992100u, 0x61592104u, 0x6019490Au, 0x60592100u, 0x480A4909u,
    0x21016001u, 0xBC016099u, 0xD0002800u, 0x48074700u, 0x60084907u, 0x68406801u,
    0x4700468Du, 0x18000000u, 0x001F0300u, 0x03000218u, 0x180000F4u, 0x10000100u,
    0xE000ED08u,
    [63] = 0x9267AA2Eu, /* the CRC-32 */
};
