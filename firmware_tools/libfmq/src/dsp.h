/*
 * Instructions of the cores with the DSP extension (Cortex-M4, M7, M33, M55); FMQ_PLAIN_C
 * chooses plain C, which gives the same. Assembly, as arm_acle.h lacks them in GCC before 10.
 */
#ifndef FMQ_DSP_H
#define FMQ_DSP_H

#include <stdint.h>

#include "inline.h"

#if !defined(FMQ_PLAIN_C) && defined(__GNUC__) && defined(__ARM_FEATURE_DSP)
#define FMQ_DSP

/* Two halfwords, at an even address. */
FMQ_INLINE uint32_t fmq_load_pair(const uint16_t *halves)
{
    uint32_t pair;

    __builtin_memcpy(&pair, halves, sizeof pair);
    return pair;
}

/* sum + the squares of both halves' differences, which must lie within int16. */
FMQ_INLINE uint32_t fmq_add_squares(uint32_t sum, uint32_t a, uint32_t b)
{
    uint32_t differences;
    uint32_t total;

    __asm__("ssub16 %0, %1, %2" : "=r"(differences) : "r"(a), "r"(b));
    __asm__("smlad %0, %1, %1, %2" : "=r"(total) : "r"(differences), "r"(sum));
    return total;
}

/* clip(0, 255, value >> shift), rounded down; shift: 0..31. */
FMQ_INLINE uint32_t fmq_clip_to_byte(int32_t value, uint32_t shift)
{
    uint32_t level;

    __asm__("usat %0, #8, %1" : "=r"(level) : "r"(value >> shift));
    return level;
}
#endif

#endif
