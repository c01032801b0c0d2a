/* level = clip(0, 2^bit_depth - 1, (code * multiplier + addend) >> shift) for integer codes.
 * Proved for every code when the tables were made. |code * multiplier + addend| < 2^62. */
#include "fmq/quantizer.h"

#include "quantize_levels.h"

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
            out[index] = (uint8_t)scaled_code_level(&local, code_at(local.input, samples, index));
        }
    } else {
        uint16_t *const out = levels;

        for (index = 0; index < count; index++) {
            out[index] = (uint16_t)scaled_code_level(&local, code_at(local.input, samples, index));
        }
    }
    return FMQ_OK;
}
