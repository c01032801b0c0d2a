/* The level of one sample by each form but the table; shared by whole maps and by classes. */
#ifndef FMQ_QUANTIZE_LEVELS_H
#define FMQ_QUANTIZE_LEVELS_H

#include "fmq/quantizer.h"

#include "dsp.h"

#define SIGN_BIT UINT32_C(0x80000000)
#define INFINITY_BITS UINT32_C(0x7F800000)

/* Whether the bits of a float32 are those of a number. */
static inline int is_finite(uint32_t bits)
{
    return (bits & ~SIGN_BIT) < INFINITY_BITS;
}

/* The key of a float32; see fmq_quantizer_t.table. */
static inline int32_t key_of(uint32_t bits)
{
    const int32_t magnitude = (int32_t)(bits & ~SIGN_BIT);

    return (bits & SIGN_BIT) != 0u ? -magnitude : magnitude;
}

/* An integer sample. */
static inline int32_t code_at(uint32_t input, const void *samples, size_t index)
{
    switch (input) {
    case FMQ_INPUT_INT8: return ((const int8_t *)samples)[index];
    case FMQ_INPUT_UINT8: return ((const uint8_t *)samples)[index];
    default: return ((const int16_t *)samples)[index];
    }
}

/* level = the number of thresholds that are at most the key; `half`: 2^(bit_depth - 1). */
static inline uint32_t search_level(const int32_t *thresholds, uint32_t half, int32_t key)
{
    uint32_t level = 0;
    uint32_t step;

    for (step = half; step != 0u; step >>= 1) {
        if (key >= thresholds[level + step - 1u]) {
            level += step;
        }
    }
    return level;
}

/* level = clip(0, 2^bit_depth - 1, (code * multiplier + addend) >> shift). */
static inline uint32_t scaled_code_level(const fmq_quantizer_t *quantizer, int32_t code)
{
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(quantizer->bit_depth);
    const int64_t scaled = (int64_t)code * (int64_t)quantizer->multiplier + quantizer->addend;
    uint64_t level;

    if (scaled < 0) {
        return 0;
    }
    level = (uint64_t)scaled >> quantizer->shift;
    return level > maximum ? maximum : (uint32_t)level;
}

/* By fixed point, at most one too high, settled by one threshold.
 *
 *   x = (significand << 8) >> (exponent - exponent of the sample), 0 where that is 32 or more
 *   y = (x * multiplier) >> 32                                       umull on a Cortex-M3/M4
 *   t = base + y, or base - y - 1 for a negative sample; t += dead_zone where t < pivot
 *   level = clip(0, maximum, t >> shift), minus 1 where the key is below that level's threshold
 *
 * Samples that x cannot hold lie beyond every threshold; they are read as the largest that it
 * can. t and all sums are within int32_t; proved when the tables were made. */
static inline int32_t scaled_sample(const fmq_quantizer_t *quantizer, uint32_t magnitude,
                                    uint32_t sign)
{
    const uint32_t significand = (magnitude << 8) | SIGN_BIT;
    const uint32_t distance = quantizer->exponent - (magnitude >> 23);
    const uint32_t x = distance < 32u ? significand >> distance : 0u;
    const uint32_t y = (uint32_t)(((uint64_t)x * quantizer->multiplier) >> 32);
    const int32_t t = sign != 0u ? quantizer->base - (int32_t)y - 1 : quantizer->base + (int32_t)y;

    return t < quantizer->pivot ? t + quantizer->dead_zone : t;
}

/* The magnitude of a finite sample, or the largest that x can hold. */
static inline uint32_t held_magnitude(uint32_t bits, uint32_t beyond)
{
    const uint32_t magnitude = bits & ~SIGN_BIT;

    return magnitude >= beyond ? beyond - 1u : magnitude;
}

/* The estimate, or the level below it. */
static inline uint32_t settled_level(const fmq_quantizer_t *quantizer, uint32_t level,
                                     uint32_t magnitude, uint32_t sign)
{
    const int32_t *const lower_bounds = quantizer->table;
    const int32_t key = sign != 0u ? -(int32_t)magnitude : (int32_t)magnitude;

    return key < lower_bounds[level] ? level - 1u : level;
}

static inline uint32_t estimated_level(const fmq_quantizer_t *quantizer, uint32_t maximum,
                                       uint32_t beyond, uint32_t bits)
{
    const uint32_t sign = bits & SIGN_BIT;
    const uint32_t magnitude = held_magnitude(bits, beyond);
    const int32_t t = scaled_sample(quantizer, magnitude, sign);
    uint32_t level = t < 0 ? 0u : (uint32_t)t >> quantizer->shift;

    if (level > maximum) {
        level = maximum;
    }
    return settled_level(quantizer, level, magnitude, sign);
}

#if defined(FMQ_DSP)
/* The same for 8 bits. */
static inline uint32_t estimated_byte(const fmq_quantizer_t *quantizer, uint32_t beyond,
                                      uint32_t bits)
{
    const uint32_t sign = bits & SIGN_BIT;
    const uint32_t magnitude = held_magnitude(bits, beyond);
    const int32_t t = scaled_sample(quantizer, magnitude, sign);

    return settled_level(quantizer, fmq_clip_to_byte(t, quantizer->shift), magnitude, sign);
}
#endif

#endif
