/* The model's memory, the tiles of a mode, and what of coded channels is looked up in the map. */
#include "dense_model.h"

#include "memory.h"
#include "transform.h"

#define ALIGNMENT 8u
#define SMALL_TILE 8u

typedef char model_has_room[sizeof(dense_model_t) <= FMQ_DENSE_MODEL_SIZE ? 1 : -1];

/* ---- tiles ---- */

static uint32_t largest_tile(uint32_t mode)
{
    if (is_transformed(mode)) {
        return mode == FMQ_DENSE_TILED ? SMALL_TILE : FMQ_TRANSFORM_LIMIT;
    }
    return UINT32_MAX;
}

/* Into how many parts a length is cut; part i begins at floor(i * length / parts). */
static uint32_t parts_of(uint32_t length, uint32_t largest)
{
    return (length - 1u) / largest + 1u;
}

static uint32_t rows_of_a_map(const fmq_dense_format_t *format, uint32_t mode)
{
    return is_transformed(mode) ? format->map_rows : format->rows;
}

uint32_t fmq_dense_tile_rows(const fmq_dense_format_t *format, uint32_t mode)
{
    const uint32_t map_rows = rows_of_a_map(format, mode);

    return format->rows / map_rows * parts_of(map_rows, largest_tile(mode));
}

uint32_t fmq_dense_tile_columns(const fmq_dense_format_t *format, uint32_t mode)
{
    return parts_of(format->columns, largest_tile(mode));
}

/* Where part `index` begins, counted over all maps. */
static uint32_t edge(uint32_t length, uint32_t largest, uint32_t index)
{
    const uint32_t parts = parts_of(length, largest);

    return index / parts * length + index % parts * length / parts;
}

void fmq_dense_tile(const fmq_dense_format_t *format, uint32_t mode, uint32_t row,
                    uint32_t column, dense_tile_t *tile)
{
    const uint32_t largest = largest_tile(mode);
    const uint32_t map_rows = rows_of_a_map(format, mode);

    tile->top = edge(map_rows, largest, row);
    tile->bottom = edge(map_rows, largest, row + 1u);
    tile->above = row == 0u ? 0u : tile->top - edge(map_rows, largest, row - 1u);
    tile->left = edge(format->columns, largest, column);
    tile->right = edge(format->columns, largest, column + 1u);
    tile->aside = column == 0u ? 0u : tile->left - edge(format->columns, largest, column - 1u);
}

/* ---- memory ---- */

static size_t plane_size(const fmq_dense_format_t *format)
{
    return ((size_t)format->rows + 2u * PLANE_BORDER) *
           ((size_t)format->columns + 2u * PLANE_BORDER);
}

bool fmq_dense_has_mode(const fmq_dense_format_t *format, uint32_t mode)
{
    return format->is_lossless ? !is_transformed(mode) : mode != FMQ_DENSE_PREDICTED;
}

/* The modes that keep means. */
static size_t coded_modes(const fmq_dense_format_t *format)
{
    return format->is_lossless ? 2u : 3u;
}

/* Without dependent quantization one context serves for both quantizers. */
static uint32_t context_count(const fmq_dense_format_t *format)
{
    return format->is_dependent ? DENSE_CONTEXT_COUNT : DENSE_OTHER_COUNT + DENSE_ZERO_SHARED;
}

/* Whole words, so that what follows is aligned. */
static size_t whole_words(size_t size)
{
    return (size + 3u) / 4u * 4u;
}


size_t fmq_dense_decoder_work_size(const fmq_dense_format_t *format)
{
    const size_t places = (size_t)format->rows * format->columns;

    return ALIGNMENT + FMQ_DENSE_MODEL_SIZE +
           whole_words(sizeof(int16_t) * DENSE_WEIGHT_SETS * DENSE_ZERO_MODELS) +
           whole_words(sizeof(uint16_t) * context_count(format)) + context_count(format) +
           coded_modes(format) * places + 2u * plane_size(format);
}

size_t fmq_dense_encoder_work_size(const fmq_dense_format_t *format)
{
    return fmq_dense_decoder_work_size(format) +
           sizeof(int32_t) * (size_t)format->rows * format->columns;
}

static fmq_status_t check(const fmq_dense_format_t *format)
{
    const uint32_t limit = FMQ_DENSE_COUNT_LIMIT;

    if (format->rows == 0u || format->columns == 0u || format->channels == 0u ||
        format->map_rows == 0u || format->rows % format->map_rows != 0u ||
        (!format->is_wide && format->highest > UINT8_MAX)) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (format->rows >= limit || format->columns >= limit / format->rows ||
        format->channels >= limit / (format->rows * format->columns)) {
        return FMQ_ERROR_LIMIT;
    }
    return FMQ_OK;
}

static void begin_context(dense_model_t *model, uint32_t context, uint32_t start)
{
    model->probabilities[context] = (uint16_t)((start_states[start] & 0xFFF0u) + 8u);
    model->counts[context] = (uint8_t)(start_states[start] & 15u);
}

/* Of what the two quantizers have apart, the first one's is taken where there is one alone. */
static void begin_zeros(dense_model_t *model)
{
    uint32_t context = DENSE_OTHER_COUNT;
    uint32_t start = DENSE_OTHER_COUNT;
    uint32_t index;

    for (index = 0u; index < 2u * DENSE_ZERO_MODELS; index++) {
        const uint32_t domain = index / DENSE_ZERO_MODELS;
        const uint32_t number = index % DENSE_ZERO_MODELS;
        const uint32_t slots = zero_slots[domain][number];
        const uint32_t step = model->format->is_dependent ? 1u : slots;
        const uint32_t end = start + slots * zero_sizes[domain][number];

        model->zero_bases[domain][number] = (uint16_t)context;
        for (; start < end; start += step) {
            begin_context(model, context++, start);
        }
    }
}

static void begin(dense_model_t *model)
{
    uint32_t i;

    for (i = 0u; i < DENSE_OTHER_COUNT; i++) {
        begin_context(model, i, i);
    }
    begin_zeros(model);
    for (i = 0u; i < DENSE_WEIGHT_SETS * DENSE_ZERO_MODELS; i++) {
        model->weights[i] = start_weights[i];
    }
}

fmq_status_t fmq_dense_model_start(dense_model_t **started, const fmq_dense_format_t *format,
                                   bool decoding, void *work, size_t work_size)
{
    uint8_t *next = (uint8_t *)work + (-(uintptr_t)work & (ALIGNMENT - 1u));
    dense_model_t *const model = (dense_model_t *)(void *)next;
    const fmq_status_t status = check(format);
    size_t places;
    uint32_t mode;

    if (status != FMQ_OK) {
        return status;
    }
    if (work_size < (decoding ? fmq_dense_decoder_work_size(format)
                              : fmq_dense_encoder_work_size(format))) {
        return FMQ_ERROR_BUFFER;
    }
    places = (size_t)format->rows * format->columns;
    memset(model, 0, sizeof *model);
    model->format = format;
    next += FMQ_DENSE_MODEL_SIZE;
    if (!decoding) {
        model->coefficients = (int32_t *)(void *)next;
        next += sizeof(int32_t) * places;
    }
    model->weights = (int16_t *)(void *)next;
    next += whole_words(sizeof(int16_t) * DENSE_WEIGHT_SETS * DENSE_ZERO_MODELS);
    model->probabilities = (uint16_t *)(void *)next;
    next += whole_words(sizeof(uint16_t) * context_count(format));
    model->counts = next;
    next += context_count(format);
    begin(model);
    memset(next, 0, coded_modes(format) * places + 2u * plane_size(format));
    for (mode = FMQ_DENSE_SPATIAL; mode < DENSE_MODE_COUNT; mode++) {
        model->modes[mode].previous = NO_CHANNEL;
        model->modes[mode].before = NO_CHANNEL;
        if (fmq_dense_has_mode(format, mode)) {
            model->modes[mode].means = next;
            next += places;
        }
    }
    model->stride = format->columns + 2u * PLANE_BORDER;
    model->current = next + PLANE_BORDER * model->stride + PLANE_BORDER;
    model->previous = model->current + plane_size(format);
    *started = model;
    return FMQ_OK;
}

/* ---- channels coded before ---- */

int32_t fmq_dense_prediction(const dense_model_t *model, uint32_t channel, uint32_t row,
                             uint32_t column)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t stride = format->channels;
    const uint32_t row_stride = format->columns * stride;
    const uint32_t at = row * row_stride + column * stride + channel;
    int32_t west;
    int32_t north;
    int32_t guess;

    if (row == 0u) {
        return column == 0u ? 0 : map_number(format, model->map, at - stride);
    }
    north = map_number(format, model->map, at - row_stride);
    if (column == 0u) {
        return north;
    }
    west = map_number(format, model->map, at - stride);
    guess = west + north - map_number(format, model->map, at - row_stride - stride);
    if (guess < west && guess < north) {
        return west < north ? west : north;
    }
    if (guess > west && guess > north) {
        return west > north ? west : north;
    }
    return guess;
}

/* A level of a channel as its plane had it. */
static int32_t plane_level(const dense_model_t *model, uint32_t mode, uint32_t channel,
                           uint32_t row, uint32_t column)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t at = (row * format->columns + column) * format->channels + channel;
    int32_t level = map_number(format, model->map, at);

    if (mode == FMQ_DENSE_PREDICTED) {
        level -= fmq_dense_prediction(model, channel, row, column);
    }
    if (level > (int32_t)DENSE_PLANE_LIMIT) {
        return (int32_t)DENSE_PLANE_LIMIT;
    }
    return level < -(int32_t)DENSE_PLANE_LIMIT ? -(int32_t)DENSE_PLANE_LIMIT : level;
}

void fmq_dense_load_previous(dense_model_t *model, uint32_t mode)
{
    const uint32_t channel = model->modes[mode].previous;
    uint32_t row;
    uint32_t column;

    for (row = 0u; row < model->format->rows; row++) {
        uint8_t *const to = model->previous + row * model->stride;

        for (column = 0u; column < model->format->columns; column++) {
            const int32_t level =
                channel == NO_CHANNEL ? 0 : plane_level(model, mode, channel, row, column);

            to[column] = in_plane(dense_magnitude(level), level < 0);
        }
    }
}

bool fmq_dense_was_before(const dense_model_t *model, uint32_t mode, uint32_t row,
                          uint32_t column)
{
    const uint32_t channel = model->modes[mode].before;

    return channel != NO_CHANNEL && plane_level(model, mode, channel, row, column) != 0;
}
