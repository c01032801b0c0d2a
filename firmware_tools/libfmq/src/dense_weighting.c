/* Factors of channels and a region of interest; the twin of fmq_embedded/dense/weighting.py. */
#include "dense_weighting.h"

#include "dense_numbers.h"
#include "signed_shift.h"

#define FACTOR_BITS 13u
#define FINER_BITS 2u /* what goes in is in 1/4 of the unit of what comes out */

/* A number times a factor, rounded; 32 bits hold it for any number of 16 bits. */
static int32_t weighted(uint16_t number, uint16_t factor, uint32_t shift)
{
    const int32_t value = fmq_dense_sample(number);

    return fmq_shift_down(value * (int32_t)factor + ((int32_t)1 << (shift - 1u)), shift);
}

/* Each channel of a map becomes its mean. */
static void pool(const fmq_dense_format_t *format, uint16_t *numbers)
{
    const uint32_t places = format->map_rows * format->columns;
    uint16_t *const end = numbers + (size_t)format->rows * format->columns * format->channels;
    uint32_t place, channel;

    for (; numbers != end; numbers += (size_t)places * format->channels) {
        for (channel = 0u; channel < format->channels; channel++) {
            uint32_t sum = places / 2u;

            for (place = 0u; place < places; place++) {
                sum += numbers[(size_t)place * format->channels + channel];
            }
            for (place = 0u; place < places; place++) {
                numbers[(size_t)place * format->channels + channel] = (uint16_t)(sum / places);
            }
        }
    }
}

/* Marks places whose score is above the threshold; the deployment sees to it that sums fit. */
static void mark(const fmq_dense_region_t *region, const fmq_dense_format_t *format,
                 const uint16_t *numbers, uint8_t *marks)
{
    const uint32_t places = format->rows * format->columns;
    uint32_t place, channel;

    for (place = 0u; place < places; place++, numbers += format->channels) {
        int32_t score = 0;

        for (channel = 0u; channel < format->channels; channel++) {
            score += fmq_dense_sample(numbers[channel]) * region->scores[channel];
        }
        marks[place] = score > region->threshold ? 1u : 0u;
    }
}

/* Whether a place is marked, or one near it. */
static bool is_near(const fmq_dense_region_t *region, const fmq_dense_format_t *format,
                    const uint8_t *marks, uint32_t row, uint32_t column)
{
    const uint32_t margin = region->margin;
    const uint32_t top = row > margin ? row - margin : 0u;
    const uint32_t left = column > margin ? column - margin : 0u;
    uint32_t y, x;

    for (y = top; y < format->rows && y <= row + margin; y++) {
        for (x = left; x < format->columns && x <= column + margin; x++) {
            if (marks[y * format->columns + x] != 0u) {
                return true;
            }
        }
    }
    return false;
}

void fmq_dense_weigh(const fmq_dense_weighting_t *weighting, const fmq_dense_format_t *format,
                     void *map, void *work)
{
    const int32_t largest = (int32_t)FMQ_FIXED_POINT_LARGEST;
    uint16_t *numbers = (uint16_t *)map;
    uint8_t *const marks = (uint8_t *)work;
    uint32_t row, column, channel;

    if (weighting->is_pooled) {
        pool(format, numbers);
    }
    if (weighting->region != NULL) {
        mark(weighting->region, format, numbers, marks);
    }
    for (row = 0u; row < format->rows; row++) {
        for (column = 0u; column < format->columns; column++, numbers += format->channels) {
            const bool is_coded = weighting->region == NULL ||
                                  is_near(weighting->region, format, marks, row, column);

            for (channel = 0u; channel < format->channels; channel++) {
                const int32_t sample = is_coded ? weighted(numbers[channel],
                                                           weighting->factors[channel],
                                                           FACTOR_BITS + FINER_BITS)
                                                : 0;

                numbers[channel] = fmq_dense_number(sample, -largest, largest);
            }
        }
    }
}

static bool has_no_level(const fmq_dense_format_t *format, const uint16_t *numbers)
{
    uint32_t channel = 0u;

    while (channel < format->channels && numbers[channel] == FMQ_FIXED_POINT_CENTRE) {
        channel++;
    }
    return channel == format->channels;
}

void fmq_dense_unweigh(const fmq_dense_weighting_t *weighting, const fmq_dense_format_t *format,
                       void *map)
{
    const fmq_dense_region_t *const region = weighting->region;
    uint16_t *numbers = (uint16_t *)map;
    uint32_t left, channel;

    for (left = format->rows * format->columns; left != 0u; left--, numbers += format->channels) {
        const bool is_empty = region != NULL && has_no_level(format, numbers);

        for (channel = 0u; channel < format->channels; channel++) {
            const int32_t own = is_empty ? region->background[channel]
                                         : weighted(numbers[channel],
                                                    weighting->inverse_factors[channel],
                                                    FACTOR_BITS);

            numbers[channel] = fmq_dense_number(own, INT16_MIN, INT16_MAX);
        }
    }
}
