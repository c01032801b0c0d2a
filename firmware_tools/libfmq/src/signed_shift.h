/* Arithmetic shifts of signed numbers, which C99 leaves to the compiler. */
#ifndef FMQ_SIGNED_SHIFT_H
#define FMQ_SIGNED_SHIFT_H

#include "inline.h"

#include <stdint.h>

/* floor(value / 2^bits); compilers make one instruction of it. bits: 0..31. */
FMQ_INLINE int32_t fmq_shift_down(int32_t value, uint32_t bits)
{
    return value < 0 ? ~(~value >> bits) : value >> bits;
}

/* The signed number whose bits modulo 2^32 these are. */
FMQ_INLINE int32_t fmq_as_signed(uint32_t bits)
{
    return bits <= 0x7FFFFFFFu ? (int32_t)bits : -(int32_t)~bits - 1;
}

#endif
