/* The numbers that stand for fixed-point samples between quantizing and coding. */
#ifndef FMQ_DENSE_NUMBERS_H
#define FMQ_DENSE_NUMBERS_H

#include "fmq/quantizer.h"

#include "inline.h"

/* A sample that is first brought within its limits. */
FMQ_INLINE uint16_t fmq_dense_number(int32_t sample, int32_t lowest, int32_t highest)
{
    sample = sample < lowest ? lowest : sample;
    return (uint16_t)((sample > highest ? highest : sample) + (int32_t)FMQ_FIXED_POINT_CENTRE);
}

FMQ_INLINE int32_t fmq_dense_sample(uint16_t number)
{
    return (int32_t)number - (int32_t)FMQ_FIXED_POINT_CENTRE;
}

#endif
