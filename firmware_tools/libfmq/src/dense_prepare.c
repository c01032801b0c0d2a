/* A channel's coefficients of a mode in steps; a part of the twin of map_kernels.py. */
#include "dense_model.h"

#include "transform.h"

#define LARGEST_SCALED 131071u
#define SCALING_SHIFT 5u

void fmq_dense_load_channel(dense_model_t *model, uint32_t channel)
{
    const uint32_t places = model->format->rows * model->format->columns;
    const int16_t *sample = model->samples + channel;
    uint32_t place;

    for (place = 0u; place < places; place++, sample += model->format->channels) {
        model->coefficients[place] = *sample;
    }
}

static void transform_tiles(dense_model_t *model, uint32_t mode)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t tile_rows = fmq_dense_tile_rows(format, mode);
    const uint32_t tile_columns = fmq_dense_tile_columns(format, mode);
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < tile_rows; row++) {
        for (column = 0u; column < tile_columns; column++) {
            dense_tile_t at;
            fmq_tile_t tile;

            fmq_dense_tile(format, mode, row, column, &at);
            tile.samples = model->coefficients + (size_t)at.top * format->columns + at.left;
            tile.row_stride = format->columns;
            tile.column_stride = 1u;
            tile.height = at.bottom - at.top;
            tile.width = at.right - at.left;
            fmq_transform_forward(&tile);
        }
    }
}

/* What FMQ_DENSE_PREDICTED codes: from the last level on, so that those before are still there. */
static void subtract_prediction(dense_model_t *model)
{
    const uint32_t columns = model->format->columns;
    uint32_t row = model->format->rows;

    while (row-- != 0u) {
        uint32_t column = columns;

        while (column-- != 0u) {
            int32_t *const at = model->coefficients + (size_t)row * columns + column;

            *at -= fmq_dense_prediction(at, columns, 1u, row, column);
        }
    }
}

/* A size in 1/256 step; products are below 2^32. */
FMQ_INLINE uint32_t scaled_size(const fmq_dense_format_t *format, int32_t value)
{
    const uint32_t size = dense_smaller(dense_magnitude(value), LARGEST_SCALED);

    return (size * step_reciprocals[format->step % 16u]) >> (format->step / 16u + SCALING_SHIFT);
}

static void scale_plane(dense_model_t *model)
{
    const uint32_t places = model->format->rows * model->format->columns;
    int32_t *at = model->coefficients;
    uint32_t place;

    for (place = 0u; place < places; place++, at++) {
        const int32_t size = (int32_t)scaled_size(model->format, *at);

        *at = *at < 0 ? -size : size;
    }
}

void fmq_dense_prepare(dense_model_t *model, uint32_t channel, uint32_t mode)
{
    fmq_dense_load_channel(model, channel);
    if (mode == FMQ_DENSE_PREDICTED) {
        subtract_prediction(model);
    } else if (is_transformed(mode)) {
        transform_tiles(model, mode);
    }
    scale_plane(model);
}

uint64_t fmq_dense_cost_of_nothing(const dense_model_t *model, uint32_t channel)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t places = format->rows * format->columns;
    const int16_t *sample = model->samples + channel;
    uint64_t cost = 0u;
    uint32_t place;

    for (place = 0u; place < places; place++, sample += format->channels) {
        const uint64_t size = scaled_size(format, *sample);

        cost += size * size >> 8;
    }
    return cost;
}
