/* A transform over the channels of a map; the twin of fmq_embedded/dense/channel_transform.py. */
#include "dense_channels.h"

#include "fmq/quantizer.h"

#include "inline.h"
#include "signed_shift.h"

#define FINER_BITS 2u /* what goes in is in 1/4 of the unit of what comes out */

/* The sum of numbers[i] * factors[i * stride], rounded; the deployment sees to it that it fits. */
FMQ_INLINE int32_t weighed(const int32_t *numbers, const int16_t *factors, uint32_t count,
                           uint32_t stride, uint32_t shift)
{
    int32_t sum = (int32_t)(((uint32_t)1u << shift) >> 1);
    uint32_t index;

    for (index = 0u; index < count; index++, factors += stride) {
        sum += numbers[index] * *factors;
    }
    return fmq_shift_down(sum, shift);
}

static uint16_t within(int32_t number, int32_t lowest, int32_t highest)
{
    number = number < lowest ? lowest : number;
    return (uint16_t)((number > highest ? highest : number) + (int32_t)FMQ_FIXED_POINT_CENTRE);
}

/* All channels of one place, in place. */
static void transform_place(const fmq_dense_channels_t *transform, uint32_t channels,
                            bool is_forward, uint16_t *numbers)
{
    const int32_t largest = (int32_t)FMQ_FIXED_POINT_LARGEST;
    int32_t source[FMQ_DENSE_MATRIX_LIMIT];
    uint32_t index;

    for (index = 0u; index < channels; index++) {
        source[index] = (int32_t)numbers[index] - (int32_t)FMQ_FIXED_POINT_CENTRE;
    }
    for (index = 0u; index < channels; index++) {
        numbers[index] =
            is_forward ? within(weighed(source, transform->forward + (size_t)index * channels,
                                        channels, 1u, transform->forward_bits + FINER_BITS),
                                -largest, largest)
                       : within(weighed(source, transform->inverse + index, channels, channels,
                                        transform->inverse_bits),
                                INT16_MIN, INT16_MAX);
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
