/* Fixed-point samples: from samples, and back; the twin of fmq_embedded/dense/numbers.py. */
#include "fmq/dense.h"

#include "inline.h"

#define FRACTION_BITS 23u
#define FRACTION 0x7FFFFFu
#define HIDDEN 0x800000u
#define INFINITE 0x7F800000u
#define SIGN 0x80000000u
#define LARGEST_SAMPLE 4095u
#define SAMPLE_BITS 12
#define LOWEST_EXPONENT (-138)
#define SUBNORMAL_EXPONENT (-149) /* of the unit of a float32 whose exponent field is 0 or 1 */
#define SAMPLE_FRACTION 2         /* restored samples are in 1/4 */

static int32_t bit_length(uint32_t value)
{
    int32_t length = 0;

    for (; value != 0u; value >>= 1) {
        length++;
    }
    return length;
}

/* value * 2^-shift, rounded, halves up; shift may be negative, and no bit is lost then. */
FMQ_INLINE uint32_t rounded(uint32_t value, int32_t shift)
{
    if (shift <= 0) {
        return value << -shift;
    }
    return shift > 31 ? 0u : (value + ((uint32_t)1 << (shift - 1))) >> shift;
}

/* The exponent for the largest magnitude, mantissa * 2^unit. */
static int32_t exponent_for(uint32_t mantissa, int32_t unit)
{
    int32_t exponent = bit_length(mantissa) + unit - SAMPLE_BITS;

    if (mantissa == 0u) {
        return 0;
    }
    if (rounded(mantissa, exponent - unit) > LARGEST_SAMPLE) {
        exponent++;
    }
    return exponent < LOWEST_EXPONENT ? LOWEST_EXPONENT : exponent;
}

/* ---- float32 ---- */

FMQ_INLINE uint32_t mantissa_of(uint32_t bits)
{
    return (bits & INFINITE) == 0u ? bits & FRACTION : (bits & FRACTION) | HIDDEN;
}

FMQ_INLINE int32_t unit_of(uint32_t bits)
{
    const int32_t field = (int32_t)((bits & INFINITE) >> FRACTION_BITS);

    return (field == 0 ? 1 : field) - 1 + SUBNORMAL_EXPONENT;
}

fmq_status_t fmq_dense_from_float32(const uint32_t *bits, size_t count, int16_t *samples,
                                    int16_t *exponent)
{
    uint32_t largest = 0u;
    size_t index;
    int32_t chosen;

    for (index = 0u; index < count; index++) {
        const uint32_t size = bits[index] & ~SIGN;

        if (size >= INFINITE) {
            return FMQ_ERROR_NONFINITE;
        }
        largest = size > largest ? size : largest;
    }
    chosen = exponent_for(mantissa_of(largest), unit_of(largest));
    for (index = 0u; index < count; index++) {
        const uint32_t sample = bits[index];
        const int32_t size = (int32_t)rounded(mantissa_of(sample), chosen - unit_of(sample));

        samples[index] = (int16_t)((sample & SIGN) != 0u ? -size : size);
    }
    *exponent = (int16_t)chosen;
    return FMQ_OK;
}

/* |sample| * 2^unit, of at most 24 bits and a unit of at least 2^-149, is exact. */
static uint32_t float32_bits(uint32_t size, int32_t unit)
{
    int32_t shift;
    int32_t field;

    if (size == 0u) {
        return 0u;
    }
    shift = (int32_t)FRACTION_BITS + 1 - bit_length(size);
    field = unit - shift - SUBNORMAL_EXPONENT + 1;
    if (field <= 0) {
        return size << (unit - SUBNORMAL_EXPONENT);
    }
    if (field >= 255) {
        return INFINITE - 1u;
    }
    return (uint32_t)field << FRACTION_BITS | ((size << shift) & FRACTION);
}

void fmq_dense_to_float32(const int32_t *samples, size_t count, int32_t exponent, uint32_t *bits)
{
    size_t index;

    for (index = 0u; index < count; index++) {
        const int32_t sample = samples[index];
        const uint32_t size = sample < 0 ? (uint32_t)-sample : (uint32_t)sample;

        bits[index] =
            (sample < 0 ? SIGN : 0u) | float32_bits(size, exponent - SAMPLE_FRACTION);
    }
}

/* ---- codes ---- */

void fmq_dense_from_int8(const int8_t *codes, size_t count, int32_t zero_point, int16_t *samples,
                         int16_t *exponent)
{
    uint32_t largest = 0u;
    size_t index;
    int32_t chosen;

    for (index = 0u; index < count; index++) {
        const int32_t value = codes[index] - zero_point;
        const uint32_t size = value < 0 ? (uint32_t)-value : (uint32_t)value;

        largest = size > largest ? size : largest;
    }
    chosen = exponent_for(largest, 0);
    for (index = 0u; index < count; index++) {
        const int32_t value = codes[index] - zero_point;
        const uint32_t size = value < 0 ? (uint32_t)-value : (uint32_t)value;

        samples[index] = (int16_t)(value < 0 ? -(int32_t)rounded(size, chosen)
                                             : (int32_t)rounded(size, chosen));
    }
    *exponent = (int16_t)chosen;
}

void fmq_dense_to_int8(const int32_t *samples, size_t count, int32_t exponent, int32_t zero_point,
                       int8_t *codes)
{
    /* beyond this every magnitude but 0 is clipped */
    const int32_t shift = exponent - SAMPLE_FRACTION > 10 ? 10 : exponent - SAMPLE_FRACTION;
    size_t index;

    for (index = 0u; index < count; index++) {
        const int32_t sample = samples[index];
        const uint32_t size = sample < 0 ? (uint32_t)-sample : (uint32_t)sample;
        const int32_t rest = (int32_t)rounded(size, -shift);
        const int32_t code = zero_point + (sample < 0 ? -rest : rest);

        codes[index] = (int8_t)(code > 127 ? 127 : (code < -128 ? -128 : code));
    }
}
