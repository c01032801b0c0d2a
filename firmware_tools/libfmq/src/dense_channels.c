/* A transform over the channels of a map; the twin of fmq_embedded/dense/channel_transform.py. */
#include "dense_channels.h"

#include "dense_numbers.h"
#include "inline.h"
#include "signed_shift.h"

#define FINER_BITS 2u /* what goes in is in 1/4 of the unit of what comes out */

/* The sum of numbers[i] * factors[i * stride], rounded; the deployment sees to it that it fits. */
FMQ_INLINE int32_t weighted(const int32_t *numbers, const int16_t *factors, uint32_t count,
                            uint32_t stride, uint32_t shift)
{
    int32_t sum = (int32_t)(((uint32_t)1u << shift) >> 1);
    uint32_t index;

    for (index = 0u; index < count; index++, factors += stride) {
        sum += numbers[index] * *factors;
    }
    return fmq_shift_down(sum, shift);
}

/* All channels of one place, in place. */
static void transform_place(const fmq_dense_channels_t *transform, uint32_t channels,
                            bool is_forward, uint16_t *numbers)
{
    const int32_t largest = (int32_t)FMQ_FIXED_POINT_LARGEST;
    int32_t source[FMQ_DENSE_MATRIX_LIMIT];
    uint32_t index;

    for (index = 0u; index < channels; index++) {
        source[index] = fmq_dense_sample(numbers[index]);
    }
    for (index = 0u; index < channels; index++) {
        if (is_forward) {
            const int16_t *const row = transform->forward + (size_t)index * channels;
            const uint32_t shift = transform->forward_bits + FINER_BITS;

            numbers[index] = fmq_dense_number(weighted(source, row, channels, 1u, shift), -largest,
                                              largest);
        } else {
            const int16_t *const column = transform->inverse + index;
            const uint32_t shift = transform->inverse_bits;

            numbers[index] = fmq_dense_number(weighted(source, column, channels, channels, shift),
                                              INT16_MIN, INT16_MAX);
        }
    }
}

void fmq_dense_transform_channels(const fmq_dense_channels_t *transform,
                                  const fmq_dense_format_t *format, bool is_forward, void *map)
{
    uint16_t *numbers = (uint16_t *)map;
    uint32_t left;

    for (left = format->rows * format->columns; left != 0u; left--, numbers += format->channels) {
        transform_place(transform, format->channels, is_forward, numbers);
    }
}
