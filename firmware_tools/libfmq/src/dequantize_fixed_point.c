/* Fixed-point samples to samples; the twin of fmq_embedded/dense/fixed_point.py. */
#include "fmq/dequantizer.h"
#include "fmq/quantizer.h"

#include "inline.h"

#include <stdbool.h>

#define FRACTION_BITS 23
#define FRACTION 0x7FFFFFu
#define SIGN 0x80000000u
#define LARGEST_FINITE 0x7F7FFFFFu
#define SUBNORMAL_EXPONENT (-149) /* of the unit of a float32 whose exponent field is 0 or 1 */
#define LARGEST_SHIFT 17          /* beyond this every number of 16 bits is 0, or clipped */

/* size * 2^unit, size of at most 16 bits, unit at least -149: exact, but clipped. */
FMQ_SELDOM uint32_t float32_bits(uint32_t size, int32_t unit)
{
    int32_t length = 0;
    int32_t field;

    for (; size >> length != 0u; length++) {
    }
    field = unit + length - SUBNORMAL_EXPONENT - FRACTION_BITS;
    if (size == 0u) {
        return 0u;
    }
    if (field >= 255) {
        return LARGEST_FINITE;
    }
    if (field > 0) {
        return (uint32_t)field << FRACTION_BITS |
               ((size << (FRACTION_BITS + 1 - length)) & FRACTION);
    }
    return size << (unit - SUBNORMAL_EXPONENT);
}

FMQ_SELDOM void put_code(uint32_t output, void *samples, size_t index, int32_t code)
{
    static const int32_t lowest[] = {-128, 0, -32768};
    static const int32_t highest[] = {127, 255, 32767};

    code = code < lowest[output] ? lowest[output] : code;
    code = code > highest[output] ? highest[output] : code;
    if (output == FMQ_OUTPUT_INT16) {
        ((uint16_t *)samples)[index] = (uint16_t)code;
    } else {
        ((uint8_t *)samples)[index] = (uint8_t)code;
    }
}

/* size * 2^shift, rounded, halves up; size of at most 16 bits. */
static uint32_t scaled(uint32_t size, int32_t shift)
{
    if (shift >= 0) {
        return size << (shift > 15 ? 15 : shift);
    }
    return shift < -LARGEST_SHIFT ? 0u : (size + ((uint32_t)1 << (-shift - 1))) >> -shift;
}

fmq_status_t fmq_dequantize_fixed_point(const fmq_dequantizer_t *dequantizer, const void *levels,
                                        size_t count, void *samples)
{
    size_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t level = ((const uint16_t *)levels)[index];
        const bool is_negative = level < FMQ_FIXED_POINT_CENTRE;
        const uint32_t size = is_negative ? FMQ_FIXED_POINT_CENTRE - level
                                          : level - FMQ_FIXED_POINT_CENTRE;

        if (dequantizer->output == FMQ_OUTPUT_FLOAT32) {
            ((uint32_t *)samples)[index] =
                (is_negative ? SIGN : 0u) | float32_bits(size, dequantizer->exponent);
        } else {
            const int32_t value = (int32_t)scaled(size, dequantizer->exponent);

            put_code(dequantizer->output, samples, index,
                     dequantizer->zero_point + (is_negative ? -value : value));
        }
    }
    return FMQ_OK;
}
