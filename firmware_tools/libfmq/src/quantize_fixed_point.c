/* Samples in units of a power of two; the twin of fmq_embedded/dense/fixed_point.py. */
#include "fmq/quantizer.h"

#include "quantize_levels.h"

#include <stdbool.h>

#define FRACTION_BITS 23u
#define FRACTION 0x7FFFFFu
#define HIDDEN 0x800000u
#define SIGN 0x80000000u
#define SUBNORMAL_EXPONENT (-149) /* of the unit of a float32 whose exponent field is 0 or 1 */

/* value * 2^-shift, rounded, halves up, but at most the largest; value is below 2^24. */
FMQ_INLINE uint32_t in_units(uint32_t value, int32_t shift, uint32_t largest)
{
    uint32_t size = value > largest ? largest : value;

    if (shift > 24) {
        return 0u;
    }
    if (shift > 0) {
        size = (value + ((uint32_t)1 << (shift - 1))) >> shift;
    } else {
        size <<= shift < -15 ? 15 : -shift; /* further, all but 0 is clipped */
    }
    return size > largest ? largest : size;
}

FMQ_INLINE uint16_t number_of(bool is_negative, uint32_t size)
{
    return (uint16_t)(is_negative ? FMQ_FIXED_POINT_CENTRE - size : FMQ_FIXED_POINT_CENTRE + size);
}

static fmq_status_t from_float32(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                                 size_t count, uint16_t *levels)
{
    const int32_t unit = quantizer->pivot - SUBNORMAL_EXPONENT + 1;
    const uint32_t largest = quantizer->multiplier;
    size_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t bits = samples[index];
        const uint32_t field = bits >> FRACTION_BITS & 0xFFu;
        const uint32_t mantissa = (bits & FRACTION) | (field == 0u ? 0u : HIDDEN);

        if (!is_finite(bits)) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = number_of(bits >= SIGN,
                                  in_units(mantissa, unit - (int32_t)(field == 0u ? 1u : field),
                                           largest));
    }
    return FMQ_OK;
}

/* Not inlined: the loop below would be there once for each input type. */
FMQ_SELDOM uint16_t number_of_code(const fmq_quantizer_t *quantizer, int32_t code)
{
    const int32_t value = code - quantizer->base;
    const uint32_t size = value < 0 ? (uint32_t)-value : (uint32_t)value;

    return number_of(value < 0, in_units(size, quantizer->pivot, quantizer->multiplier));
}

fmq_status_t fmq_quantize_fixed_point(const fmq_quantizer_t *quantizer, const void *samples,
                                      size_t count, void *levels)
{
    size_t index;

    if (quantizer->input == FMQ_INPUT_FLOAT32) {
        return from_float32(quantizer, samples, count, levels);
    }
    if (quantizer->input > FMQ_INPUT_FLOAT32) {
        return FMQ_ERROR_ARGUMENT;
    }
    for (index = 0u; index < count; index++) {
        ((uint16_t *)levels)[index] =
            number_of_code(quantizer, code_at(quantizer->input, samples, index));
    }
    return FMQ_OK;
}
