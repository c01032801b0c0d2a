/* level = the number of thresholds that are at most the sample's key, by binary search in
 * 2^bit_depth - 1 of them. */
#include "fmq/quantizer.h"

#include "quantize_levels.h"

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
        if (!is_finite(samples[index])) {
            return FMQ_ERROR_NONFINITE;
        }
        write_level(quantizer, levels, index,
                    search_level(quantizer->table, half, key_of(samples[index])));
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
    if (quantizer->input > FMQ_INPUT_FLOAT32) {
        return FMQ_ERROR_ARGUMENT;
    }
    for (index = 0; index < count; index++) {
        const int32_t key = code_at(quantizer->input, samples, index);

        write_level(quantizer, levels, index, search_level(quantizer->table, half, key));
    }
    return FMQ_OK;
}
