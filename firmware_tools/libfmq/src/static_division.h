/*
 * Division of a state by a frequency: by the core's divider, or where it has none by the
 * frequency's reciprocal; FMQ_PLAIN_C chooses the latter, which gives the same.
 */
#ifndef FMQ_STATIC_DIVISION_H
#define FMQ_STATIC_DIVISION_H

#include <stdint.h>

#include "inline.h"

#if !defined(FMQ_PLAIN_C) && (defined(__ARM_FEATURE_IDIV) || defined(__riscv_div) || \
                              defined(__x86_64__) || defined(__aarch64__))
#define FMQ_HAS_DIVISION
#endif

/* The upper half of the product of 32 bits each, `a` below 2^31; cores without a divider seldom
 * have it either. */
FMQ_INLINE uint32_t fmq_multiply_high(uint32_t a, uint32_t b)
{
    const uint32_t a_low = a & 0xFFFFu;
    const uint32_t b_low = b & 0xFFFFu;
    const uint32_t middle = (a >> 16) * b_low + ((a_low * b_low) >> 16);
    const uint32_t rest = a_low * (b >> 16) + (middle & 0xFFFFu);

    return (a >> 16) * (b >> 16) + (middle >> 16) + (rest >> 16);
}

#endif
