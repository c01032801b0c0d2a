/* A whole map, decoded channel by channel. */
#include "dense_model.h"

#define MOST_FREE_BYTES 3u

static void clear_channel(dense_model_t *model, uint32_t channel)
{
    const uint32_t places = model->format->rows * model->format->columns;
    uint32_t at = channel;
    uint32_t place;

    for (place = 0u; place < places; place++, at += model->format->channels) {
        (void)put_number(model->format, model->map, at, 0);
    }
}

fmq_status_t fmq_dense_decode(const fmq_dense_format_t *format, const uint8_t *data,
                              size_t data_size, void *map, fmq_dense_channel_t *channels,
                              void *work, size_t work_size, size_t *used)
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
    model->map = map;
    model->decoder.next = data;
    model->decoder.end = data + data_size;
    fmq_range_decoder_start(&model->decoder);
    model->coder.low = model->decoder.low;
    model->coder.range = model->decoder.range;
    model->coder.decoder = &model->decoder;
    for (channel = 0u; channel < format->channels; channel++) {
        last = fmq_dense_decode_channel(model, channel, last, channels + channel);
        if (last == NO_MODE) {
            return FMQ_ERROR_SYNTAX;
        }
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
    return model->is_beyond ? FMQ_ERROR_LIMIT : FMQ_OK;
}
