/* A whole map, decoded channel by channel. */
#include "dense_model.h"

#define MOST_FREE_BYTES 3u

static bool are_levels_valid(const dense_model_t *model)
{
    const fmq_dense_format_t *const format = model->format;
    const uint32_t count = format->rows * format->columns * format->channels;
    uint32_t index;

    for (index = 0u; index < count; index++) {
        if (dense_magnitude(model->levels[index]) >= DENSE_LARGEST_LEVEL) {
            return false;
        }
    }
    return true;
}

static void clear_channel(dense_model_t *model, uint32_t channel)
{
    const uint32_t places = model->format->rows * model->format->columns;
    int32_t *level = model->levels + channel;
    uint32_t place;

    for (place = 0u; place < places; place++, level += model->format->channels) {
        *level = 0;
    }
}

fmq_status_t fmq_dense_decode(const fmq_dense_format_t *format, const uint8_t *data,
                              size_t data_size, int32_t *levels, uint8_t *modes, void *work,
                              size_t work_size, size_t *used)
{
    dense_model_t *model;
    uint32_t last = FMQ_DENSE_SPATIAL;
    uint32_t channel;
    uint32_t free_bytes;
    fmq_status_t status;

    *used = 0u;
    status = fmq_dense_model_start(&model, format, true, work, work_size);
    if (status != FMQ_OK) {
        return status;
    }
    model->levels = levels;
    model->decoder.next = data;
    model->decoder.end = data + data_size;
    fmq_range_decoder_start(&model->decoder);
    model->coder.low = model->decoder.low;
    model->coder.range = model->decoder.range;
    model->coder.decoder = &model->decoder;
    for (channel = 0u; channel < format->channels; channel++) {
        last = fmq_dense_decode_channel(model, channel, last);
        if (last == NO_MODE) {
            return FMQ_ERROR_SYNTAX;
        }
        modes[channel] = (uint8_t)last;
        if (last == FMQ_DENSE_DEAD) {
            clear_channel(model, channel);
        }
        if (model->decoder.missing > MOST_FREE_BYTES) {
            return FMQ_ERROR_TRUNCATED;
        }
    }
    free_bytes = fmq_dense_free_bytes(model->coder.range);
    if (model->decoder.missing > free_bytes) {
        return FMQ_ERROR_TRUNCATED;
    }
    *used = (size_t)(model->decoder.next - data) - (size_t)(free_bytes - model->decoder.missing);
    return are_levels_valid(model) ? FMQ_OK : FMQ_ERROR_SYNTAX;
}
