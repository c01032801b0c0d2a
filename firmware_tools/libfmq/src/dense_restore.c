/* From levels back to samples; the twin of restore_kernels.py. */
#include "dense_model.h"

#include "transform.h"

#define LARGEST_POINT 0xFFFFFu
#define NO_SHIFT 12u /* the octave of steps at which a product needs no shift */
#define SAMPLE_FRACTION 4 /* restored samples are in 1/4 */

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

static void restore_tile(const fmq_dense_format_t *format, uint32_t mode, const dense_tile_t *at,
                         int32_t *levels)
{
    const bool transformed = is_transformed(mode);
    fmq_tile_t tile;
    uint32_t state = 0u;
    uint32_t row;
    uint32_t column;

    tile.row_stride = format->columns * format->channels;
    tile.column_stride = format->channels;
    tile.samples = levels + (size_t)at->top * tile.row_stride + at->left * tile.column_stride;
    tile.height = at->bottom - at->top;
    tile.width = at->right - at->left;
    for (row = 0u; row < tile.height; row++) {
        for (column = 0u; column < tile.width; column++) {
            int32_t *const level =
                tile.samples + (size_t)row * tile.row_stride + column * tile.column_stride;
            const uint32_t parity = dense_magnitude(*level) & 1u;

            *level = restore_level(format, transformed, format->is_dependent ? state & 1u : 0u,
                                   *level);
            state = next_state[state][parity];
        }
    }
    if (transformed) {
        fmq_transform_inverse(&tile);
    }
}

static void restore_lossless(const fmq_dense_format_t *format, int32_t *levels)
{
    const uint32_t count = format->rows * format->columns * format->channels;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        levels[index] *= SAMPLE_FRACTION;
    }
}

void fmq_dense_restore(const fmq_dense_format_t *format, int32_t *levels, const uint8_t *modes)
{
    uint32_t channel;
    uint32_t row;
    uint32_t column;

    if (format->is_lossless) {
        restore_lossless(format, levels);
        return;
    }
    for (channel = 0u; channel < format->channels; channel++) {
        const uint32_t mode = modes[channel];

        for (row = 0u; row < fmq_dense_tile_rows(format, mode); row++) {
            for (column = 0u; column < fmq_dense_tile_columns(format, mode); column++) {
                dense_tile_t tile;

                fmq_dense_tile(format, mode, row, column, &tile);
                restore_tile(format, mode, &tile, levels + channel);
            }
        }
    }
}
