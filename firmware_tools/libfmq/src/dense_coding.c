/*
 * The coding of the profile dense, as writers and readers call it: whole maps at once. What lies
 * between two calls begins their work.
 */
#include "fmq/coding.h"
#include "fmq/dense.h"

#include "dense_channels.h"
#include "dense_weighting.h"
#include "memory.h"

#define ALIGNMENT 8u
#define STATE_ROOM (FMQ_DENSE_STATE_SIZE + ALIGNMENT)

/* A map that is to be encoded. */
typedef struct dense_state {
    fmq_dense_format_t format;
    bool is_taken, is_tried, is_done;
} dense_state_t;

typedef char dense_state_has_room[sizeof(dense_state_t) <= FMQ_DENSE_STATE_SIZE ? 1 : -1];

/* How levels of a quantizer are coded; the twin has the same as LOSSLESS. */
static const fmq_dense_search_t exact_search = {
    false, false, 0u, 2u, 1u << FMQ_DENSE_SPATIAL | 1u << FMQ_DENSE_PREDICTED, 256u,
    {0u, 256u, 256u, 256u, 256u}};

#define EXACT_STEP 32u /* of size 1: costs are compared in it */

static dense_state_t *state_in(void *work)
{
    return (dense_state_t *)(void *)((uint8_t *)work + (-(uintptr_t)work & (ALIGNMENT - 1u)));
}

static fmq_dense_format_t format_of(const fmq_tensor_t *tensor)
{
    fmq_dense_format_t format;

    memset(&format, 0, sizeof format);
    format.rows = tensor->rows;
    format.columns = tensor->columns;
    format.channels = tensor->channels;
    format.map_rows = tensor->dense != NULL ? tensor->dense->map_rows : tensor->rows;
    format.centre = tensor->centre;
    format.highest = (uint16_t)FMQ_MAXIMUM_LEVEL(tensor->bit_depth);
    format.is_wide = tensor->bit_depth > 8u;
    format.step = tensor->dense != NULL ? tensor->dense->step : EXACT_STEP;
    format.is_lossless = tensor->dense == NULL;
    return format;
}

static size_t work_size(const fmq_tensor_t *tensor)
{
    const fmq_dense_format_t format = format_of(tensor);
    const size_t encoder = fmq_dense_encoder_work_size(&format);
    const size_t decoder = fmq_dense_decoder_work_size(&format) +
                           tensor->channels * sizeof(fmq_dense_channel_t);

    return STATE_ROOM + (encoder > decoder ? encoder : decoder);
}

/* ---- encoding ---- */

/* Whether no number of a map is below the centre. */
static bool is_one_sided(const fmq_dense_format_t *format, const void *map)
{
    const uint32_t count = format->rows * format->columns * format->channels;
    uint32_t index;

    for (index = 0u; format->centre != 0u && index < count; index++) {
        const uint32_t number = format->is_wide ? ((const uint16_t *)map)[index]
                                                : ((const uint8_t *)map)[index];

        if (number < format->centre) {
            return false;
        }
    }
    return true;
}

/* There is nothing to find out beforehand, and levels do not come in pieces. */
static fmq_status_t start_survey(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    (void)writer;
    (void)tensor;
    return FMQ_ERROR_UNSUPPORTED;
}

static fmq_status_t survey(fmq_stream_writer_t *writer, const void *levels, size_t count)
{
    (void)writer;
    (void)levels;
    (void)count;
    return FMQ_ERROR_UNSUPPORTED;
}

static fmq_status_t begin(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    dense_state_t *const state = state_in(writer->work);

    if (writer->whole == NULL) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (tensor->count >= FMQ_DENSE_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    if (writer->work_size < work_size(tensor)) {
        return FMQ_ERROR_BUFFER;
    }
    memset(state, 0, sizeof *state);
    state->format = format_of(tensor);
    state->format.is_one_sided = tensor->centre == 0u;
    if (tensor->dense != NULL) {
        writer->small_size = 0u; /* `coding` comes with the fields */
    }
    return FMQ_OK;
}

static bool are_levels_valid(const fmq_dense_format_t *format, const void *levels, size_t count)
{
    size_t index;

    for (index = 0u; index < count; index++) {
        const uint32_t level = format->is_wide ? ((const uint16_t *)levels)[index]
                                               : ((const uint8_t *)levels)[index];

        if (level > format->highest) {
            return false;
        }
    }
    return true;
}

static fmq_status_t sink(fmq_stream_writer_t *writer, const void *levels, size_t count,
                         size_t *taken)
{
    dense_state_t *const state = state_in(writer->work);

    if (state->is_taken || levels != writer->whole ||
        count != writer->deployment->tensors[writer->tensor].count ||
        !are_levels_valid(&state->format, levels, count)) {
        return FMQ_ERROR_ARGUMENT;
    }
    state->is_taken = true;
    *taken = count;
    return FMQ_OK;
}

/* All at once, or nothing, and then there is nothing to come: `out` was too small. */
static size_t poll(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    dense_state_t *const state = state_in(writer->work);
    const fmq_dense_plan_t *const plan = writer->deployment->tensors[writer->tensor].dense;
    void *const map = (void *)(uintptr_t)writer->whole; /* a plan's numbers are overwritten */
    uint8_t *const work = (uint8_t *)writer->work + STATE_ROOM;
    const size_t room = writer->work_size - STATE_ROOM;
    size_t size = 0u;
    fmq_status_t status;

    if (!state->is_taken || state->is_tried) {
        return 0u;
    }
    state->is_tried = true;
    if (plan != NULL && plan->channels != NULL) {
        fmq_dense_transform_channels(plan->channels, &state->format, true, map);
    }
    if (plan != NULL && plan->weighting != NULL) {
        fmq_dense_weigh(plan->weighting, &state->format, map, work);
    }
    if (plan != NULL) {
        state->format.is_one_sided = is_one_sided(&state->format, map);
    }
    status = plan != NULL ? fmq_dense_write(&state->format, &plan->search, plan->exponent, map, work,
                                            room, out, capacity, &size)
                          : fmq_dense_encode(&state->format, &exact_search, map, work, room, out,
                                             capacity, &size);
    state->is_done = status == FMQ_OK;
    return state->is_done ? size : 0u;
}

static bool is_done(const fmq_stream_writer_t *writer)
{
    return state_in(writer->work)->is_done;
}

const fmq_encoding_t fmq_dense_encoding = {
    FMQ_CODING_DENSE, false, work_size, start_survey, survey, begin, sink, poll, is_done,
};

/* ---- decoding ---- */

/* A reader of a whole stream has no CRC-32 in its window. */
static fmq_status_t start(fmq_stream_reader_t *reader, const fmq_tensor_t *tensor)
{
    if (!reader->is_last || reader->crc_left != 0u) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (tensor->count >= FMQ_DENSE_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    return reader->work_size < work_size(tensor) ? FMQ_ERROR_BUFFER : FMQ_OK;
}

/* A map from its `coding` on, in the unit that the deployment says. */
static fmq_status_t read_map(fmq_dense_format_t *format, const fmq_dense_plan_t *plan,
                             const uint8_t *data, size_t size, void *map,
                             fmq_dense_channel_t *channels, void *work, size_t room, size_t *used)
{
    int32_t exponent;
    const fmq_status_t status =
        fmq_dense_read(format, data, size, &exponent, map, channels, work, room, used);

    if (status == FMQ_OK && (format->is_lossless || exponent != plan->exponent)) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (status == FMQ_OK && plan->channels != NULL) {
        fmq_dense_transform_channels(plan->channels, format, false, map);
    }
    if (status == FMQ_OK && plan->weighting != NULL) {
        fmq_dense_unweigh(plan->weighting, format, map);
    }
    return status;
}

/* All levels at once. */
static fmq_status_t read(fmq_stream_reader_t *reader, const uint8_t *end, void *levels,
                         size_t count, size_t *polled)
{
    const fmq_tensor_t *const tensor = &reader->deployment->tensors[reader->tensor];
    fmq_dense_format_t format = format_of(tensor);
    fmq_dense_channel_t *const channels =
        (fmq_dense_channel_t *)(void *)((uint8_t *)reader->work + STATE_ROOM);
    const size_t before = STATE_ROOM + tensor->channels * sizeof *channels;
    uint8_t *const work = (uint8_t *)reader->work + before;
    const size_t room = reader->work_size - before;
    size_t used = 0u;
    fmq_status_t status;

    if (count != tensor->count) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (tensor->dense != NULL) {
        reader->next--; /* the fields begin with `coding` */
        status = read_map(&format, tensor->dense, reader->next, (size_t)(end - reader->next),
                          levels, channels, work, room, &used);
    } else {
        format.is_one_sided = tensor->centre == 0u;
        status = fmq_dense_decode(&format, reader->next, (size_t)(end - reader->next), levels,
                                  channels, work, room, &used);
        status = status == FMQ_ERROR_LIMIT ? FMQ_ERROR_SYNTAX : status;
    }
    reader->next += used;
    *polled = status == FMQ_OK ? count : 0u;
    return status;
}

const fmq_decoding_t fmq_dense_decoding = {FMQ_CODING_DENSE, start, read};
