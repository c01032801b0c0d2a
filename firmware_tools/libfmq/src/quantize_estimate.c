/* float32 samples by a fixed-point estimate; see quantize_levels.h. */
#include "fmq/quantizer.h"

#include "quantize_levels.h"

static fmq_status_t estimate_8(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                               size_t count, uint8_t *levels)
{
    const fmq_quantizer_t local = *quantizer; /* stays in registers: bytes may alias the other */
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(local.bit_depth);
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    size_t index;

    for (index = 0; index < count; index++) {
        if (!is_finite(samples[index])) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = (uint8_t)estimated_level(&local, maximum, beyond, samples[index]);
    }
    return FMQ_OK;
}

#if defined(FMQ_DSP)
/* estimate_8 for a bit depth of 8. */
static fmq_status_t estimate_byte(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                                  size_t count, uint8_t *levels)
{
    const fmq_quantizer_t local = *quantizer;
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    size_t index;

    for (index = 0; index < count; index++) {
        if (!is_finite(samples[index])) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = (uint8_t)estimated_byte(&local, beyond, samples[index]);
    }
    return FMQ_OK;
}
#endif

static fmq_status_t estimate_16(const fmq_quantizer_t *quantizer, const uint32_t *samples,
                                size_t count, uint16_t *levels)
{
    const fmq_quantizer_t local = *quantizer;
    const uint32_t maximum = FMQ_MAXIMUM_LEVEL(local.bit_depth);
    const uint32_t beyond = ((uint32_t)local.exponent + 1u) << 23;
    size_t index;

    for (index = 0; index < count; index++) {
        if (!is_finite(samples[index])) {
            return FMQ_ERROR_NONFINITE;
        }
        levels[index] = (uint16_t)estimated_level(&local, maximum, beyond, samples[index]);
    }
    return FMQ_OK;
}

fmq_status_t fmq_quantize_estimate(const fmq_quantizer_t *quantizer, const void *samples,
                                   size_t count, void *levels)
{
    if (quantizer->input != FMQ_INPUT_FLOAT32) {
        return FMQ_ERROR_ARGUMENT;
    }
#if defined(FMQ_DSP)
    if (quantizer->bit_depth == 8u) {
        return estimate_byte(quantizer, samples, count, levels);
    }
#endif
    if (quantizer->bit_depth <= 8u) {
        return estimate_8(quantizer, samples, count, levels);
    }
    return estimate_16(quantizer, samples, count, levels);
}
