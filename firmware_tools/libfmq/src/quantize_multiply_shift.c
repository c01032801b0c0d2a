/* level = clip(0, 2^bit_depth - 1, (code * multiplier + addend) >> shift) for integer codes.
 * Proved for every code when the tables were made. |code * multiplier + addend| < 2^62. */
#include "fmq/quantizer.h"

static uint32_t level_of(const fmq_quantizer_t *quantizer, int32_t code)
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

static int32_t code_at(const fmq_quantizer_t *quantizer, const void *samples, size_t index)
{
    switch (quantizer->input) {
    case FMQ_INPUT_INT8:
        return ((const int8_t *)samples)[index];
    case FMQ_INPUT_UINT8:
        return ((const uint8_t *)samples)[index];
    default:
        return ((const int16_t *)samples)[index];
    }
}

fmq_status_t fmq_quantize_multiply_shift(const fmq_quantizer_t *quantizer, const void *samples,
                                         size_t count, void *levels)
{
    const fmq_quantizer_t local = *quantizer; /* stays in registers: levels may alias the other */
    size_t index;

    if (local.input > FMQ_INPUT_INT16) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (local.bit_depth <= 8u) {
        uint8_t *const out = levels;

        for (index = 0; index < count; index++) {
            out[index] = (uint8_t)level_of(&local, code_at(&local, samples, index));
        }
    } else {
        uint16_t *const out = levels;

        for (index = 0; index < count; index++) {
            out[index] = (uint16_t)level_of(&local, code_at(&local, samples, index));
        }
    }
    return FMQ_OK;
}
