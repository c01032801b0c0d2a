/* From levels back to samples; the twin of restore_kernels.py. */
#include "dense_model.h"

#include "fmq/quantizer.h"

#include "signed_shift.h"
#include "transform.h"

#define LARGEST_POINT 0xFFFFFu
#define NO_SHIFT 12u /* the octave of steps at which a product needs no shift */
#define SURROUNDED (-(int32_t)FMQ_FIXED_POINT_CENTRE) /* a level 0 with none but 0 around */

/* Dependent quantization: the next of four states, by the state and the parity of the level. */
static const uint8_t next_state[4][2] = {{0u, 1u}, {2u, 3u}, {1u, 0u}, {3u, 2u}};

/* The coefficient of a level, in 1/4; the level is below 2^18, products are below 2^32. */
static int32_t restore_level(const fmq_dense_format_t *format, bool transformed,
                             uint32_t quantizer, int32_t level)
{
    const uint32_t octave = format->step / 16u;
    const uint32_t size = dense_magnitude(level);
    const int32_t moved = size == 0u ? 0 : format->points[transformed][size > 1u];
    const int32_t point = (int32_t)(32u * size - 16u * quantizer) + moved;
    uint32_t product;

    if (size == 0u || point <= 0) {
        return 0;
    }
    product = (uint32_t)point * step_mantissas[format->step % 16u];
    if (octave < NO_SHIFT) {
        product = (product + (1u << (NO_SHIFT - 1u - octave))) >> (NO_SHIFT - octave);
        product = dense_smaller(product, LARGEST_POINT);
    } else {
        product = dense_smaller(product, LARGEST_POINT >> (octave - NO_SHIFT))
                  << (octave - NO_SHIFT);
    }
    return level < 0 ? -(int32_t)product : (int32_t)product;
}

/* A sample of level 0, in 1/4. */
static int32_t filled_level(const fmq_dense_format_t *format, uint32_t fill)
{
    const uint32_t octave = format->step / 16u;
    const uint32_t product = fill * step_mantissas[format->step % 16u];

    return (int32_t)(octave <= NO_SHIFT
                         ? (product + (1u << (NO_SHIFT - octave))) >> (NO_SHIFT + 1u - octave)
                         : product << (octave - NO_SHIFT - 1u));
}

/* Whether a level of a channel is not 0; none outside is. */
static bool is_level(const fmq_dense_format_t *format, const void *map, uint32_t channel,
                     uint32_t row, uint32_t column)
{
    int32_t level;

    if (row >= format->rows || column >= format->columns) {
        return false;
    }
    level = map_number(format, map, (row * format->columns + column) * format->channels + channel);
    return level != 0 && level != SURROUNDED;
}

/* Of the 3 x 3 places about a place, which is 0 itself. */
static bool has_neighbours(const fmq_dense_format_t *format, const void *map, uint32_t channel,
                           uint32_t row, uint32_t column)
{
    uint32_t place;

    for (place = 0u; place < 9u; place++) {
        /* before the first is far behind the last */
        if (is_level(format, map, channel, row + place / 3u - 1u, column + place % 3u - 1u)) {
            return true;
        }
    }
    return false;
}

static void mark_surrounded(const fmq_dense_format_t *format, void *map, uint32_t channel)
{
    uint32_t at = channel;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < format->rows; row++) {
        for (column = 0u; column < format->columns; column++, at += format->channels) {
            if (map_number(format, map, at) == 0 &&
                !has_neighbours(format, map, channel, row, column)) {
                (void)put_number(format, map, at, SURROUNDED);
            }
        }
    }
}

/* The sample of a level of a channel that is not transformed and has no parents. */
static int32_t filled(const fmq_dense_format_t *format, int32_t level, int32_t restored)
{
    if (level != 0 && level != SURROUNDED) {
        return restored;
    }
    return filled_level(format, format->fills[level == 0]);
}

/* The samples of a tile's levels, by way of `scratch` if transformed. */
static void restore_tile(const fmq_dense_format_t *format, uint32_t mode, bool is_filled,
                         const dense_tile_t *at, void *map, uint32_t channel, int32_t *scratch)
{
    const bool transformed = is_transformed(mode);
    const fmq_tile_t tile = {scratch, at->right - at->left, 1u, at->bottom - at->top,
                             at->right - at->left, format->is_sine};
    int32_t *sample = scratch;
    uint32_t state = 0u;
    uint32_t row;
    uint32_t column;

    for (row = at->top; row < at->bottom; row++) {
        for (column = at->left; column < at->right; column++) {
            const uint32_t place = (row * format->columns + column) * format->channels + channel;
            const int32_t level = map_number(format, map, place);
            const uint32_t parity = is_filled && level == SURROUNDED ? 0u : dense_magnitude(level) & 1u;
            const int32_t restored = restore_level(
                format, transformed, format->is_dependent ? state & 1u : 0u, level);

            state = next_state[state][parity];
            if (transformed) {
                *sample++ = restored;
            } else {
                (void)put_number(format, map, place,
                                 is_filled ? filled(format, level, restored) : restored);
            }
        }
    }
    if (!transformed) {
        return;
    }
    fmq_transform_inverse(&tile);
    sample = scratch;
    for (row = at->top; row < at->bottom; row++) {
        for (column = at->left; column < at->right; column++) {
            (void)put_number(format, map,
                             (row * format->columns + column) * format->channels + channel,
                             *sample++);
        }
    }
}

static void restore_channel(const fmq_dense_format_t *format, void *map, uint32_t channel,
                            const fmq_dense_channel_t *coded, int32_t *scratch)
{
    const bool is_filled = format->is_one_sided && coded->distances[0] == 0u &&
                           coded->mode == FMQ_DENSE_SPATIAL &&
                           (format->fills[0] | format->fills[1]) != 0;
    dense_tile_t tile;
    uint32_t row;
    uint32_t column;

    if (is_filled) {
        mark_surrounded(format, map, channel);
    }
    for (row = 0u; row < fmq_dense_tile_rows(format, coded->mode); row++) {
        for (column = 0u; column < fmq_dense_tile_columns(format, coded->mode); column++) {
            fmq_dense_tile(format, coded->mode, row, column, &tile);
            restore_tile(format, coded->mode, is_filled, &tile, map, channel, scratch);
        }
    }
}

/* What a parent's samples say of its child's. */
static void add_parent(const fmq_dense_format_t *format, void *map, uint32_t channel,
                       uint32_t distance, int32_t factor)
{
    const uint32_t count = format->rows * format->columns * format->channels;
    uint32_t at;

    for (at = channel; at < count; at += format->channels) {
        const int32_t said = fmq_shift_down(
            factor * map_number(format, map, at - distance) + (1 << (DENSE_FACTOR_SHIFT - 1u)),
            DENSE_FACTOR_SHIFT);

        (void)put_number(format, map, at, map_number(format, map, at) + said);
    }
}

static void clip_channel(const fmq_dense_format_t *format, void *map, uint32_t channel)
{
    const uint32_t count = format->rows * format->columns * format->channels;
    uint32_t at;

    for (at = channel; at < count; at += format->channels) {
        if (map_number(format, map, at) < 0) {
            (void)put_number(format, map, at, 0);
        }
    }
}

void fmq_dense_restore(const fmq_dense_format_t *format, void *map,
                       const fmq_dense_channel_t *channels, void *work)
{
    /* a tile has at most as many places as a channel, for which work has more */
    int32_t *const scratch = (int32_t *)(void *)((uint8_t *)work + (-(uintptr_t)work & 3u));
    const bool are_clipped = format->is_one_sided && fmq_dense_has_points(format);
    uint32_t channel;
    uint32_t index;

    for (channel = 0u; channel < format->channels && !format->is_lossless; channel++) {
        const fmq_dense_channel_t *const coded = channels + channel;

        restore_channel(format, map, channel, coded, scratch);
        for (index = 0u; index < DENSE_MOST_PARENTS && coded->distances[index] != 0u; index++) {
            add_parent(format, map, channel, coded->distances[index], coded->factors[index]);
        }
        if (are_clipped) {
            clip_channel(format, map, channel);
        }
    }
}
