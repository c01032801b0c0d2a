/* A channel's coefficients of a mode in steps; a part of the twin of map_kernels.py. */
#include "dense_model.h"

#include "transform.h"

#define HALVED 0x20000u /* from here on the last bit is left out, for 32 bits to suffice */
#define LARGEST_SCALED 262143u
#define SCALING_SHIFT 5u

void fmq_dense_load_channel(dense_model_t *model, uint32_t channel)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t places = format->rows * format->columns;
    uint32_t at = channel;
    uint32_t place;

    for (place = 0u; place < places; place++, at += format->channels) {
        model->coefficients[place] = map_number(format, model->map, at);
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
            tile.is_sine = false;
            fmq_transform_forward(&tile);
        }
    }
}

/* What FMQ_DENSE_PREDICTED codes. */
static void subtract_prediction(dense_model_t *model, uint32_t channel)
{
    int32_t *at = model->coefficients;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < model->format->rows; row++) {
        for (column = 0u; column < model->format->columns; column++) {
            *at++ -= fmq_dense_prediction(model, channel, row, column);
        }
    }
}

/* What brings a number to 1/256 step. */
typedef struct scale {
    uint32_t reciprocal, shift;
} scale_t;

FMQ_INLINE scale_t scale_of(const fmq_dense_format_t *format)
{
    const scale_t scale = {step_reciprocals[format->step % 16u],
                           format->step / 16u + SCALING_SHIFT};

    return scale;
}

/* A size in 1/256 step; products are below 2^32. */
FMQ_INLINE uint32_t scaled_size(scale_t scale, int32_t value)
{
    const uint32_t size = dense_smaller(dense_magnitude(value), LARGEST_SCALED);

    return size < HALVED ? (size * scale.reciprocal) >> scale.shift
                         : (size / 2u * scale.reciprocal) >> (scale.shift - 1u);
}

/* Returns the sum of magnitudes. */
static uint64_t scale_plane(dense_model_t *model)
{
    const scale_t scale = scale_of(model->format);
    int32_t *at = model->coefficients;
    int32_t *const end = at + model->format->rows * model->format->columns;
    uint64_t sum = 0u;

    for (; at != end; at++) {
        const uint32_t size = scaled_size(scale, *at);

        sum += size;
        *at = *at < 0 ? -(int32_t)size : (int32_t)size;
    }
    return sum;
}

uint64_t fmq_dense_prepare(dense_model_t *model, uint32_t channel, uint32_t mode)
{
    fmq_dense_load_channel(model, channel);
    if (mode == FMQ_DENSE_PREDICTED) {
        subtract_prediction(model, channel);
    } else if (is_transformed(mode)) {
        transform_tiles(model, mode);
    }
    return scale_plane(model);
}

uint64_t fmq_dense_cost_of_nothing(const dense_model_t *model, uint32_t channel)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t places = format->rows * format->columns;
    const scale_t scale = scale_of(format);
    uint64_t cost = 0u;
    uint32_t at = channel;
    uint32_t place;

    for (place = 0u; place < places; place++, at += format->channels) {
        const uint32_t within = dense_smaller(dense_magnitude(map_number(format, model->map, at)),
                                              HALVED - 1u);
        const uint64_t size = scaled_size(scale, (int32_t)within);

        cost += size * size >> 8;
    }
    return cost;
}
