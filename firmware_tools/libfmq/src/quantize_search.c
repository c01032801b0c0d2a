/* level = the number of thresholds that are at most the sample's key, by binary search in
 * 2^bit_depth - 1 of them. */
#include "fmq/quantizer.h"

#define MAGNITUDE_MASK UINT32_C(0x7FFFFFFF)
#define INFINITY_BITS UINT32_C(0x7F800000)

static uint32_t level_of(const int32_t *thresholds, uint32_t half, int32_t key)
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

static void write_level(const fmq_quantizer_t *quantizer, void *levels, size_t index,
                        uint32_t level)
{
    if (quantizer->bit_depth <= 8u) {
        ((uint8_t *)levels)[index] = (uint8_t)level;
    } else {
        ((uint16_t *)levels)[index] = (uint16_t)level;
    }
}

static fmq_status_t search_float32(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                                   size_t count, void *levels)
{
    const uint32_t half = (uint32_t)1 << (quantizer->bit_depth - 1u);
    size_t index;

    for (index = 0; index < count; index++) {
        const uint32_t bits = samples[index];
        const uint32_t magnitude = bits & MAGNITUDE_MASK;
        const int32_t key = (bits & ~MAGNITUDE_MASK) != 0u ? -(int32_t)magnitude
                                                           : (int32_t)magnitude;

        if (magnitude >= INFINITY_BITS) {
            return FMQ_ERROR_NONFINITE;
        }
        write_level(quantizer, levels, index, level_of(quantizer->table, half, key));
    }
    return FMQ_OK;
}

fmq_status_t fmq_quantize_search(const fmq_quantizer_t *quantizer, const void *samples,
                                 size_t count, void *levels)
{
    const uint32_t half = (uint32_t)1 << (quantizer->bit_depth - 1u);
    size_t index;

    if (quantizer->input == FMQ_INPUT_FLOAT32) {
        return search_float32(quantizer, samples, count, levels);
    }
    for (index = 0; index < count; index++) {
        int32_t code;

        switch (quantizer->input) {
        case FMQ_INPUT_INT8:
            code = ((const int8_t *)samples)[index];
            break;
        case FMQ_INPUT_UINT8:
            code = ((const uint8_t *)samples)[index];
            break;
        case FMQ_INPUT_INT16:
            code = ((const int16_t *)samples)[index];
            break;
        default:
            return FMQ_ERROR_ARGUMENT;
        }
        write_level(quantizer, levels, index, level_of(quantizer->table, half, code));
    }
    return FMQ_OK;
}
