/* memcpy and memset for firmware without a C library, and the names under which compilers for
 * Arm call them (Run-time ABI for the Arm Architecture, "Memory copying, clearing, setting"). */

#include <stddef.h>
#include <stdint.h>

/* a word of memory whatever its declared type; at any address where the core reads such */
#if defined(__ARM_FEATURE_UNALIGNED)
typedef uint32_t __attribute__((may_alias, aligned(1))) word_t;
#define WORD_ALIGNMENT 1u
#else
typedef uint32_t __attribute__((may_alias)) word_t;
#define WORD_ALIGNMENT sizeof(word_t)
#endif

/* keeps a compiler from making the loop into a call of the very function it is in */
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);

static int is_word_aligned(const void *address)
{
    return ((uintptr_t)address & (WORD_ALIGNMENT - 1u)) == 0u;
}

static void copy(unsigned char *to, const unsigned char *from, size_t size)
{
    if (is_word_aligned(to) && is_word_aligned(from)) {
        for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
            *(word_t *)(void *)to = *(const word_t *)(const void *)from;
            to += sizeof(word_t);
            from += sizeof(word_t);
            KEEP_LOOP();
        }
    }
    for (; size > 0u; size--) {
        *to++ = *from++;
        KEEP_LOOP();
    }
}

static void fill(unsigned char *to, unsigned char value, size_t size)
{
    const word_t word = (word_t)value * 0x01010101u;

    for (; size > 0u && !is_word_aligned(to); size--) {
        *to++ = value;
        KEEP_LOOP();
    }
    for (; size >= sizeof(word_t); size -= sizeof(word_t)) {
        *(word_t *)(void *)to = word;
        to += sizeof(word_t);
        KEEP_LOOP();
    }
    for (; size > 0u; size--) {
        *to++ = value;
        KEEP_LOOP();
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy(to, from, size);
    return to;
}

void *memset(void *to, int value, size_t size)
{
    fill(to, (unsigned char)value, size);
    return to;
}

#if defined(__ARM_EABI__)

void __aeabi_memcpy(void *restrict to, const void *restrict from, size_t size);
void __aeabi_memcpy4(void *restrict to, const void *restrict from, size_t size);
void __aeabi_memcpy8(void *restrict to, const void *restrict from, size_t size);
/* size and value change places against memset */
void __aeabi_memset(void *to, size_t size, int value);
void __aeabi_memset4(void *to, size_t size, int value);
void __aeabi_memset8(void *to, size_t size, int value);
void __aeabi_memclr(void *to, size_t size);
void __aeabi_memclr4(void *to, size_t size);
void __aeabi_memclr8(void *to, size_t size);

void __aeabi_memcpy(void *restrict to, const void *restrict from, size_t size)
{
    copy(to, from, size);
}

void __aeabi_memcpy4(void *restrict to, const void *restrict from, size_t size)
{
    copy(to, from, size);
}

void __aeabi_memcpy8(void *restrict to, const void *restrict from, size_t size)
{
    copy(to, from, size);
}

void __aeabi_memset(void *to, size_t size, int value)
{
    fill(to, (unsigned char)value, size);
}

void __aeabi_memset4(void *to, size_t size, int value)
{
    fill(to, (unsigned char)value, size);
}

void __aeabi_memset8(void *to, size_t size, int value)
{
    fill(to, (unsigned char)value, size);
}

void __aeabi_memclr(void *to, size_t size)
{
    fill(to, 0u, size);
}

void __aeabi_memclr4(void *to, size_t size)
{
    fill(to, 0u, size);
}

void __aeabi_memclr8(void *to, size_t size)
{
    fill(to, 0u, size);
}

#endif
