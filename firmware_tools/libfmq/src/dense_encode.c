/* A whole map: channel by channel, its mode and its levels; the twin of map_kernels.py. */
#include "dense_model.h"

#include "memory.h"

#define COST_OF_A_CHANGE 3u /* in bits */
#define MOST_COST (UINT64_MAX >> 8)

/* ---- the choice of a mode ---- */

static bool may_choose(const dense_model_t *model, const fmq_dense_search_t *search,
                       uint32_t mode)
{
    const fmq_dense_format_t *const format = model->format;

    if (((uint32_t)search->modes >> mode & 1u) == 0u || !fmq_dense_has_mode(format, mode)) {
        return false;
    }
    return mode != FMQ_DENSE_TILED ||
           fmq_dense_tile_rows(format, mode) != format->rows / format->map_rows ||
           fmq_dense_tile_columns(format, mode) != 1u;
}

static uint32_t choose_mode(dense_model_t *model, const fmq_dense_search_t *search,
                            uint32_t channel, uint32_t last)
{
    uint64_t best = model->format->is_lossless
                        ? MOST_COST
                        : fmq_dense_cost_of_nothing(model, channel) +
                              (last == FMQ_DENSE_DEAD ? 1u : 1u + COST_OF_A_CHANGE) *
                                  (uint32_t)search->multiplier;
    uint32_t chosen = FMQ_DENSE_DEAD;
    uint32_t mode;

    for (mode = FMQ_DENSE_SPATIAL; mode < DENSE_MODE_COUNT; mode++) {
        uint64_t cost;

        if (!may_choose(model, search, mode)) {
            continue;
        }
        (void)fmq_dense_prepare(model, channel, mode);
        cost = fmq_dense_choose_levels(model, mode, search, true) * search->biases[mode] >> 8;
        if (mode != last) {
            cost += COST_OF_A_CHANGE * (uint32_t)search->multiplier + (cost * search->stay >> 8);
        }
        if (cost < best) {
            best = cost;
            chosen = mode;
        }
    }
    return chosen;
}

static bool has_levels(const dense_model_t *model)
{
    const uint32_t places = model->format->rows * model->format->columns;
    uint32_t place;

    for (place = 0u; place < places; place++) {
        if (model->coefficients[place] != 0) {
            return true;
        }
    }
    return false;
}

/* What was in the plane takes the place of the channel's samples. */
static void store_plane(dense_model_t *model, uint32_t channel, uint32_t mode)
{
    const fmq_dense_format_t *const format = model->format;
    uint32_t at = channel;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < format->rows; row++) {
        for (column = 0u; column < format->columns; column++, at += format->channels) {
            const uint8_t level = model->current[row * model->stride + column];

            (void)put_number(format, model->map, at,
                             mode == FMQ_DENSE_DEAD ? 0 : plane_number(level));
        }
    }
}

/* ---- the quick choice ---- */

/* The last mode is tried last: its coefficients are mostly those to go on with. */
static uint32_t quick_mode(dense_model_t *model, const fmq_dense_search_t *search,
                           uint32_t channel, uint32_t last)
{
    uint64_t best = UINT64_MAX;
    uint32_t chosen = FMQ_DENSE_DEAD;
    uint32_t tried = FMQ_DENSE_DEAD;
    uint32_t turn;

    for (turn = 0u; turn < DENSE_MODE_COUNT - 1u; turn++) {
        const uint32_t mode = (last + turn) % (DENSE_MODE_COUNT - 1u) + 1u;
        uint64_t cost;

        if (!may_choose(model, search, mode)) {
            continue;
        }
        cost = fmq_dense_prepare(model, channel, mode) * search->biases[mode];
        tried = mode;
        if (cost < best) {
            best = cost;
            chosen = mode;
        }
    }
    if (chosen != tried && chosen != FMQ_DENSE_DEAD) {
        (void)fmq_dense_prepare(model, channel, chosen);
    }
    return chosen == FMQ_DENSE_DEAD || fmq_dense_round_levels(model, search->rounding) != 0u
               ? chosen
               : FMQ_DENSE_DEAD;
}

/* ---- channels ---- */

static uint32_t searched_mode(dense_model_t *model, const fmq_dense_search_t *search,
                              uint32_t channel, uint32_t last)
{
    const uint32_t mode = choose_mode(model, search, channel, last);

    if (mode == FMQ_DENSE_DEAD) {
        return mode;
    }
    (void)fmq_dense_prepare(model, channel, mode);
    (void)fmq_dense_choose_levels(model, mode, search, false);
    return mode;
}

static uint32_t encode_channel(dense_model_t *model, const fmq_dense_search_t *search,
                               uint32_t channel, uint32_t last)
{
    uint32_t mode = search->is_quick ? quick_mode(model, search, channel, last)
                                     : searched_mode(model, search, channel, last);

    if (mode != FMQ_DENSE_DEAD && model->format->is_lossless) {
        fmq_dense_load_channel(model, channel);
    }
    if (mode != FMQ_DENSE_DEAD && !has_levels(model)) {
        mode = FMQ_DENSE_DEAD;
    }
    fmq_dense_encode_channel(model, channel, last, mode);
    if (!model->format->is_lossless) {
        store_plane(model, channel, mode);
    }
    return mode;
}

/* ---- encoding ---- */

void fmq_dense_drain(dense_model_t *model)
{
    model->size += fmq_range_encoder_poll(&model->encoder, model->out + model->size,
                                          model->capacity - model->size);
    if (!fmq_range_encoder_is_empty(&model->encoder)) {
        model->is_full = true;
        (void)fmq_range_encoder_discard(&model->encoder);
    }
}

/* Of what the coder still holds, what its decoder does not give back. */
static void finish(dense_model_t *model)
{
    const uint32_t free_bytes = fmq_dense_free_bytes(model->coder.range);
    const uint32_t below = ((uint32_t)1 << 8u * free_bytes) - 1u;
    uint32_t low = (model->coder.low + below) & ~below;
    uint32_t index;

    if (low < model->coder.low) {
        model->encoder.carry = 1u;
    }
    /* the last one only pushes out what is held */
    for (index = free_bytes; index < 5u; index++) {
        low = fmq_range_encoder_shift_low(&model->encoder, low);
    }
    fmq_dense_drain(model);
}

/* The mean difference from a point, in units / 256 step, to the nearest, halves to even. */
static int32_t fitted(int32_t difference, uint32_t count, int32_t units, int32_t lowest,
                      int32_t highest)
{
    const int32_t unit = units * (int32_t)(count > 0u ? count : 1u);
    const uint32_t size = dense_magnitude(difference);
    uint32_t quotient = size / (uint32_t)unit;
    const uint32_t rest = 2u * (size % (uint32_t)unit);

    if (rest > (uint32_t)unit || (rest == (uint32_t)unit && quotient % 2u != 0u)) {
        quotient++;
    }
    if (difference < 0) {
        return (int32_t)quotient > -lowest ? lowest : -(int32_t)quotient;
    }
    return (int32_t)quotient > highest ? highest : (int32_t)quotient;
}

static void fit_points(const dense_model_t *model, fmq_dense_format_t *format)
{
    uint32_t kind;
    uint32_t index;

    for (kind = 0u; kind < 2u; kind++) {
        for (index = 0u; index < 2u; index++) {
            format->points[kind][index] = (int8_t)fitted(
                model->differences[kind][index], model->differing[kind][index], 8, -8, 7);
        }
    }
    for (index = 0u; index < 2u; index++) {
        format->fills[index] =
            (uint8_t)fitted(model->differences[2][index], model->differing[2][index], 4, 0, 15);
    }
}

fmq_status_t fmq_dense_encode(fmq_dense_format_t *format, const fmq_dense_search_t *search,
                              void *map, void *work, size_t work_size, uint8_t *out,
                              size_t capacity, size_t *size)
{
    dense_model_t *model;
    uint32_t last = FMQ_DENSE_SPATIAL;
    uint32_t channel;
    fmq_status_t status;

    *size = 0u;
    if (format->is_dependent || format->is_sine) {
        return FMQ_ERROR_ARGUMENT;
    }
    status = fmq_dense_model_start(&model, format, false, work, work_size);
    if (status != FMQ_OK) {
        return status;
    }
    model->map = map;
    model->out = out;
    model->capacity = capacity;
    fmq_range_encoder_start(&model->encoder);
    model->coder.low = 0u;
    model->coder.range = model->encoder.range;
    model->coder.encoder = &model->encoder;
    for (channel = 0u; channel < format->channels; channel++) {
        last = encode_channel(model, search, channel, last);
    }
    finish(model);
    memset(format->points, 0, sizeof format->points);
    memset(format->fills, 0, sizeof format->fills);
    if (search->is_optimised && !search->is_quick && !format->is_lossless) {
        fit_points(model, format);
    }
    *size = model->size;
    return model->is_full ? FMQ_ERROR_BUFFER : FMQ_OK;
}
