/* Answers one command byte at a time; numbers are 32 bits, little-endian.
 *   'e' n bytes      the n bytes again
 *   'q' n            runs the loop n times and answers with the ticks it took and its result
 *   'c' …            the same, with conditional instructions in the loop
 *   'z' n bytes      takes the n bytes and answers with their sum
 *   'i'              answers with a variable's first value, a quotient and a copied structure
 *   'h' address      jumps there            'r' address     reads a word there
 *   's'              overflows the stack    'b'             an undefined instruction
 */

#include "board.h"

int main(void);
uint32_t plain_loop(uint32_t count);
uint32_t conditional_loop(uint32_t count);
uint32_t deep(uint32_t depth);

static uint32_t initialised = 0x12345678u;
static uint8_t text[] = "structure";

static uint32_t read32(void)
{
    uint32_t value = 0u;

    for (uint32_t shift = 0u; shift < 32u; shift += 8u) {
        value |= (uint32_t)board_read() << shift;
    }
    return value;
}

static void write32(uint32_t value)
{
    for (uint32_t shift = 0u; shift < 32u; shift += 8u) {
        board_write((uint8_t)(value >> shift));
    }
}

/* 2 instructions before the loop, 4 in it, 2 after it */
__attribute__((naked)) uint32_t plain_loop(__attribute__((unused)) uint32_t count)
{
    __asm__ volatile("movs r1, #0\n"
                     "movs r2, #3\n"
                     "1: adds r1, r1, r2\n"
                     "eor.w r1, r1, r0\n"
                     "subs r0, r0, #1\n"
                     "bne 1b\n"
                     "mov r0, r1\n"
                     "bx lr\n");
}

/* as above with 3 more in the loop, one of which is skipped every other time */
__attribute__((naked)) uint32_t conditional_loop(__attribute__((unused)) uint32_t count)
{
    __asm__ volatile("movs r1, #0\n"
                     "movs r2, #3\n"
                     "1: adds r1, r1, r2\n"
                     "eor.w r1, r1, r0\n"
                     "tst.w r0, #1\n"
                     "it eq\n"
                     "addeq r1, r1, #5\n"
                     "subs r0, r0, #1\n"
                     "bne 1b\n"
                     "mov r0, r1\n"
                     "bx lr\n");
}

static void count_loop(uint32_t (*loop)(uint32_t))
{
    const uint32_t count = read32();
    const uint32_t start = board_ticks();
    const uint32_t result = loop(count);
    const uint32_t stop = board_ticks();

    write32(stop - start);
    write32(result);
}

static void echo(void)
{
    for (uint32_t left = read32(); left > 0u; left--) {
        board_write(board_read());
    }
}

static void sum(void)
{
    uint32_t total = 0u;

    for (uint32_t left = read32(); left > 0u; left--) {
        total += board_read();
    }
    write32(total);
}

struct block {
    uint32_t words[12];
};

static void inspect(void)
{
    static volatile uint64_t dividend = 0x123456789ABCDEF0u;
    static volatile struct block first = {{7u}};
    struct block copy = *(const struct block *)&first;

    write32(initialised++);
    write32((uint32_t)(dividend / (read32() * (uint64_t)0x10001u)));
    write32(copy.words[0] + copy.words[11] + text[0]);
}

uint32_t deep(uint32_t depth)
{
    volatile uint8_t frame[256];

    frame[depth & 255u] = (uint8_t)depth;
    if (depth == UINT32_MAX) {
        return 0u;
    }
    return deep(depth + 1u) + frame[depth & 127u];
}

int main(void)
{
    board_init();
    for (;;) {
        switch (board_read()) {
        case 'e': echo(); break;
        case 'z': sum(); break;
        case 'q': count_loop(plain_loop); break;
        case 'c': count_loop(conditional_loop); break;
        case 'i': inspect(); break;
        case 'r': write32(*(volatile uint32_t *)(uintptr_t)read32()); break;
        case 'h': ((void (*)(void))(uintptr_t)read32())(); break;
        case 's': write32(deep(0u)); break;
        case 'b': __asm__ volatile("udf #1"); break;
        default: break;
        }
    }
}
