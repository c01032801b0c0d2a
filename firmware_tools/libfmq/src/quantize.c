/* Quantizes by the function of the quantizer's form. */
#include "fmq/quantizer.h"

fmq_status_t fmq_quantize(const fmq_quantizer_t *quantizer, const void *samples, size_t count,
                          void *levels)
{
    if (quantizer == NULL || (count != 0u && (samples == NULL || levels == NULL))) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (quantizer->bit_depth < 1u || quantizer->bit_depth > 16u) {
        return FMQ_ERROR_ARGUMENT;
    }
    switch (quantizer->form) {
    case FMQ_FORM_TABLE:
        return fmq_quantize_table(quantizer, samples, count, levels);
    case FMQ_FORM_MULTIPLY_SHIFT:
        return fmq_quantize_multiply_shift(quantizer, samples, count, levels);
    case FMQ_FORM_SEARCH:
        return fmq_quantize_search(quantizer, samples, count, levels);
    case FMQ_FORM_ESTIMATE:
        return fmq_quantize_estimate(quantizer, samples, count, levels);
    case FMQ_FORM_FIXED_POINT:
        return fmq_quantize_fixed_point(quantizer, samples, count, levels);
    default:
        return FMQ_ERROR_ARGUMENT;
    }
}
