/* sample = values[level]. */
#include "fmq/dequantizer.h"

static uint32_t level_at(const fmq_dequantizer_t *dequantizer, const void *levels, size_t index)
{
    return dequantizer->bit_depth <= 8u ? ((const uint8_t *)levels)[index]
                                        : ((const uint16_t *)levels)[index];
}

fmq_status_t fmq_dequantize(const fmq_dequantizer_t *dequantizer, const void *levels, size_t count,
                            void *samples)
{
    uint32_t maximum;
    size_t index;

    if (dequantizer == NULL || (count != 0u && (levels == NULL || samples == NULL))) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (dequantizer->bit_depth < 1u || dequantizer->bit_depth > 16u) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (dequantizer->output > FMQ_OUTPUT_FLOAT32) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (dequantizer->values == NULL) {
        return fmq_dequantize_fixed_point(dequantizer, levels, count, samples);
    }
    maximum = ((uint32_t)1 << dequantizer->bit_depth) - 1u;
    for (index = 0; index < count; index++) {
        const uint32_t level = level_at(dequantizer, levels, index);

        if (level > maximum) {
            return FMQ_ERROR_LIMIT;
        }
        switch (dequantizer->output) {
        case FMQ_OUTPUT_INT8:
        case FMQ_OUTPUT_UINT8:
            ((uint8_t *)samples)[index] = ((const uint8_t *)dequantizer->values)[level];
            break;
        case FMQ_OUTPUT_INT16:
            ((uint16_t *)samples)[index] = ((const uint16_t *)dequantizer->values)[level];
            break;
        default:
            ((uint32_t *)samples)[index] = ((const uint32_t *)dequantizer->values)[level];
            break;
        }
    }
    return FMQ_OK;
}
