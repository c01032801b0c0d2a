/* A tensor's positions by its partition, or by its one quantizer. */
#include "fmq/partition.h"

static bool has_positions(const fmq_tensor_t *tensor, uint32_t first, uint32_t count)
{
    const uint32_t positions = tensor->rows * tensor->columns;

    return first <= positions && count <= positions - first;
}

fmq_status_t fmq_quantize_tensor(const fmq_tensor_t *tensor, const void *samples, uint32_t first,
                                 uint32_t count, void *levels)
{
    if (!has_positions(tensor, first, count)) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (tensor->partition == NULL) {
        return fmq_quantize(tensor->quantizer, samples, (size_t)count * tensor->channels, levels);
    }
    return fmq_quantize_partition(tensor, samples, first, count, levels);
}

fmq_status_t fmq_dequantize_tensor(const fmq_tensor_t *tensor, const void *levels,
                                   uint32_t first, uint32_t count, void *samples)
{
    if (!has_positions(tensor, first, count)) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (tensor->partition == NULL) {
        return fmq_dequantize(tensor->dequantizer, levels, (size_t)count * tensor->channels,
                              samples);
    }
    return fmq_dequantize_partition(tensor, levels, first, count, samples);
}
