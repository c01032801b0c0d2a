/*
 * Four bytes as one word, the first in the lowest bits, where the core reads words at any address;
 * FMQ_PLAIN_C chooses single bytes, which gives the same. For speed alone: not with -Os.
 */
#ifndef FMQ_WORDS_H
#define FMQ_WORDS_H

#include <stdint.h>

#include "inline.h"

#if !defined(FMQ_PLAIN_C) && !defined(__OPTIMIZE_SIZE__) && defined(__BYTE_ORDER__) &&             \
    (defined(__ARM_FEATURE_UNALIGNED) || defined(__x86_64__))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FMQ_WORDS
#define FMQ_EACH_BYTE 0x01010101u

FMQ_INLINE uint32_t fmq_load_word(const uint8_t *bytes)
{
    uint32_t word;

    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

FMQ_INLINE void fmq_store_word(uint8_t *bytes, uint32_t word)
{
    __builtin_memcpy(bytes, &word, sizeof word);
}

/* 1 in each byte that is not 0. */
FMQ_INLINE uint32_t fmq_are_not_zero(uint32_t word)
{
    return (((word & 0x7F * FMQ_EACH_BYTE) + 0x7F * FMQ_EACH_BYTE) | word) >> 7 & FMQ_EACH_BYTE;
}

/* sum + the sum of the bytes. */
FMQ_INLINE uint32_t fmq_add_bytes(uint32_t sum, uint32_t word)
{
#ifdef __ARM_FEATURE_DSP
    uint32_t total;

    __asm__("usada8 %0, %1, %2, %3" : "=r"(total) : "r"(word), "r"(0u), "r"(sum));
    return total;
#else
    const uint32_t pairs = (word & 0x00FF00FFu) + (word >> 8 & 0x00FF00FFu);

    return sum + ((pairs + (pairs >> 16)) & 0xFFFFu);
#endif
}
#endif
#endif

/* Keeps a value in a register, where compilers would make it anew each time it is used. */
#ifdef FMQ_WORDS
#define FMQ_HOLD(variable) __asm__("" : "+r"(variable))
#else
#define FMQ_HOLD(variable) ((void)0)
#endif

#endif
