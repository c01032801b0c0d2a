/* level = clip(0, 2^bit_depth - 1, (code * multiplier + addend) >> shift) for integer codes.
 * Proved for every code when the tables were made. |code * multiplier + addend| < 2^62. */
#include "fmq/quantizer.h"

#include "quantize_levels.h"

#if defined(FMQ_DSP)
/* int16 codes to 8 bits by the upper word of the sum alone: multiplier and addend are raised so
 * far that the shift is at least 32. Whether they can be; else nothing is written. */
static int scaled_bytes(const fmq_quantizer_t *quantizer, const int16_t *codes, size_t count,
                        uint8_t *levels)
{
    const uint32_t shift = quantizer->shift;
    const uint32_t raise = shift < 32u ? 32u - shift : 0u;
    const int64_t limit = (int64_t)1 << (62u - raise);
    const int16_t *const end = codes + count;
    int32_t multiplier;
    int64_t addend;

    if (raise > 31u || quantizer->multiplier >> (31u - raise) != 0u ||
        quantizer->addend >= limit || quantizer->addend <= -limit) {
        return 0;
    }
    multiplier = (int32_t)(quantizer->multiplier << raise);
    addend = quantizer->addend * ((int64_t)1 << raise);
    while (codes != end) {
        const int64_t scaled = (int64_t)*codes++ * multiplier + addend; /* within 2^63: smlal */
        const int32_t upper = (int32_t)(scaled >> 32);

        *levels++ = (uint8_t)fmq_clip_to_byte(upper, shift + raise - 32u);
    }
    return 1;
}
#endif

fmq_status_t fmq_quantize_multiply_shift(const fmq_quantizer_t *quantizer, const void *samples,
                                         size_t count, void *levels)
{
    const fmq_quantizer_t local = *quantizer; /* stays in registers: levels may alias the other */
    size_t index;

    if (local.input > FMQ_INPUT_INT16) {
        return FMQ_ERROR_ARGUMENT;
    }
#if defined(FMQ_DSP)
    if (local.bit_depth == 8u && local.input == FMQ_INPUT_INT16 &&
        scaled_bytes(&local, samples, count, levels)) {
        return FMQ_OK;
    }
#endif
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
