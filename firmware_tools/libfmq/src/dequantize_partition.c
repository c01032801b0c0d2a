/* Joint levels to samples, by classes. */
#include "fmq/partition.h"

#include "partition_walk.h"

#include "inline.h"

FMQ_INLINE uint32_t get_level(const void *levels, bool is_wide, size_t index)
{
    return is_wide ? ((const uint16_t *)levels)[index] : ((const uint8_t *)levels)[index];
}

FMQ_INLINE void copy_value(uint32_t size, const void *values, size_t from, void *samples,
                           size_t to)
{
    switch (size) {
    case 1u: ((uint8_t *)samples)[to] = ((const uint8_t *)values)[from]; break;
    case 2u: ((uint16_t *)samples)[to] = ((const uint16_t *)values)[from]; break;
    default: ((uint32_t *)samples)[to] = ((const uint32_t *)values)[from]; break;
    }
}

static uint32_t sample_size(const fmq_tensor_t *tensor)
{
    static const uint8_t sizes[4] = {1u, 1u, 2u, 4u};

    return sizes[tensor->dequantizer->output & 3u];
}

FMQ_INLINE_FOR_SPEED fmq_status_t look_up(const uint32_t size, const bool is_wide,
                                          const fmq_class_t *own, const void *levels,
                                          uint32_t count, uint32_t stride, void *samples)
{
    const void *const values = own->values;
    const uint32_t lowest = own->lowest;
    const uint32_t span = (uint32_t)own->highest - lowest;
    size_t index = 0u;

    for (; count != 0u; count--) {
        const uint32_t level = get_level(levels, is_wide, index) - lowest;

        if (level > span) {
            return FMQ_ERROR_LIMIT;
        }
        copy_value(size, values, level, samples, index);
        index += stride;
    }
    return FMQ_OK;
}

static fmq_status_t dequantize_scalars(const fmq_tensor_t *tensor, const fmq_class_t *own,
                                       const void *from, uint32_t count, uint32_t stride,
                                       void *to)
{
    const bool is_wide = tensor->bit_depth > 8u;

    switch (sample_size(tensor)) {
    case 1u: return look_up(1u, is_wide, own, from, count, stride, to);
    case 2u: return look_up(2u, is_wide, own, from, count, stride, to);
    default: return look_up(4u, is_wide, own, from, count, stride, to);
    }
}

static fmq_status_t dequantize_vector(const fmq_tensor_t *tensor, const fmq_class_t *own,
                                      const void *from, const uint32_t *members, uint32_t count,
                                      void *to)
{
    const uint32_t size = sample_size(tensor);
    const bool is_wide = tensor->bit_depth > 8u;
    const uint32_t codeword = get_level(from, is_wide, members[0]) - own->lowest;
    uint32_t index;

    if (codeword >= own->codebook->count) {
        return FMQ_ERROR_LIMIT;
    }
    for (index = 0u; index < count; index++) {
        if (index != 0u && get_level(from, is_wide, members[index]) != own->lowest) {
            return FMQ_ERROR_LIMIT;
        }
        copy_value(size, own->values, codeword * own->codebook->dimension + index, to,
                   members[index]);
    }
    return FMQ_OK;
}

fmq_status_t fmq_dequantize_partition(const fmq_tensor_t *tensor, const void *levels,
                                      uint32_t first, uint32_t count, void *samples)
{
    const stage_t stage = {tensor->bit_depth > 8u ? 2u : 1u, sample_size(tensor),
                           dequantize_scalars, dequantize_vector};

    return fmq_partition_walk(&stage, tensor, levels, first, count, samples);
}
