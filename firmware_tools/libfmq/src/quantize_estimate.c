/* The level of a float32 sample by fixed point, at most one too high, settled by one threshold.
 *
 *   x = (significand << 8) >> (exponent - exponent of the sample), 0 where that is 32 or more
 *   y = (x * multiplier) >> 32                                       umull on a Cortex-M3/M4
 *   t = base + y, or base - y - 1 for a negative sample; t += dead_zone where t < pivot
 *   level = clip(0, maximum, t >> shift), minus 1 where the key is below that level's threshold
 *
 * Samples that x cannot hold lie beyond every threshold; they are read as the largest that it
 * can. t and all sums are within int32_t; proved when the tables were made. */
#include "fmq/quantizer.h"

#define SIGN_BIT UINT32_C(0x80000000)
#define INFINITY_BITS UINT32_C(0x7F800000)

static int32_t scaled_level(const fmq_quantizer_t *quantizer, uint32_t magnitude, uint32_t sign)
{
    const uint32_t significand = (magnitude << 8) | SIGN_BIT;
    const uint32_t distance = quantizer->exponent - (magnitude >> 23);
    const uint32_t x = distance < 32u ? significand >> distance : 0u;
    const uint32_t y = (uint32_t)(((uint64_t)x * quantizer->multiplier) >> 32);
    const int32_t t = sign != 0u ? quantizer->base - (int32_t)y - 1 : quantizer->base + (int32_t)y;

    return t < quantizer->pivot ? t + quantizer->dead_zone : t;
}

static uint32_t level_of(const fmq_quantizer_t *quantizer, uint32_t maximum, uint32_t beyond,
                         uint32_t bits)
{
    const int32_t *const lower_bounds = quantizer->table;
    const uint32_t sign = bits & SIGN_BIT;
    uint32_t magnitude = bits & ~SIGN_BIT;
    uint32_t level;
    int32_t t;
    int32_t key;

    if (magnitude >= beyond) {
        magnitude = beyond - 1u;
    }
    t = scaled_level(quantizer, magnitude, sign);
    level = t < 0 ? 0u : (uint32_t)t >> quantizer->shift;
    if (level > maximum) {
        level = maximum;
    }
    key = sign != 0u ? -(int32_t)magnitude : (int32_t)magnitude;
    return key < lower_bounds[level] ? level - 1u : level;
}

static fmq_status_t estimate_8(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                               size_t count, uint8_t *levels)
{
    const fmq_quantizer_t local = *quantizer; /* stays in registers: bytes may alias the other */
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(local.bit_depth);
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    size_t index;

    for (index = 0; index < count; index++) {
        if ((samples[index] & ~SIGN_BIT) >= INFINITY_BITS) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = (uint8_t)level_of(&local, maximum, beyond, samples[index]);
    }
    return FMQ_OK;
}

static fmq_status_t estimate_16(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                                size_t count, uint16_t *levels)
{
    const fmq_quantizer_t local = *quantizer;
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(local.bit_depth);
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    size_t index;

    for (index = 0; index < count; index++) {
        if ((samples[index] & ~SIGN_BIT) >= INFINITY_BITS) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = (uint16_t)level_of(&local, maximum, beyond, samples[index]);
    }
    return FMQ_OK;
}

fmq_status_t fmq_quantize_estimate(const fmq_quantizer_t *quantizer, const void *samples,
                                   size_t count, void *levels)
{
    if (quantizer->input != FMQ_INPUT_FLOAT32) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (quantizer->bit_depth <= 8u) {
        return estimate_8(quantizer, samples, count, levels);
    }
    return estimate_16(quantizer, samples, count, levels);
}
