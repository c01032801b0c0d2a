/* The coding of the profile fast, as writers and readers call it; its state begins their work. */
#include "fmq/coding.h"
#include "fmq/static_coder.h"

#define ALIGNMENT 8u
#define STATE_ROOM (FMQ_STATIC_STATE_SIZE + ALIGNMENT)

typedef char static_state_has_room[sizeof(fmq_static_encoder_t) <= FMQ_STATIC_STATE_SIZE &&
                                           sizeof(fmq_static_decoder_t) <= FMQ_STATIC_STATE_SIZE
                                       ? 1
                                       : -1];

static void *state_in(void *work)
{
    return (uint8_t *)work + (-(uintptr_t)work & (ALIGNMENT - 1u));
}

static fmq_static_encoder_t *encoder_of(const fmq_stream_writer_t *writer)
{
    return (fmq_static_encoder_t *)state_in(writer->work);
}

static fmq_static_decoder_t *decoder_of(const fmq_stream_reader_t *reader)
{
    return (fmq_static_decoder_t *)state_in(reader->work);
}

static size_t work_size(const fmq_tensor_t *tensor)
{
    return STATE_ROOM + fmq_static_work_size(tensor);
}

static fmq_status_t start_survey(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    if (writer->work_size < STATE_ROOM) {
        return FMQ_ERROR_BUFFER;
    }
    return fmq_static_encoder_start(encoder_of(writer), tensor,
                                    (uint8_t *)writer->work + STATE_ROOM,
                                    writer->work_size - STATE_ROOM);
}

static fmq_status_t survey(fmq_stream_writer_t *writer, const void *levels, size_t count)
{
    return fmq_static_encoder_survey(encoder_of(writer), levels, count);
}

static fmq_status_t begin(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    const fmq_status_t status = fmq_static_encoder_begin(encoder_of(writer), tensor);

    if (status == FMQ_OK && writer->whole != NULL) {
        fmq_static_encoder_whole(encoder_of(writer), writer->whole);
    }
    return status;
}

static fmq_status_t sink(fmq_stream_writer_t *writer, const void *levels, size_t count,
                         size_t *taken)
{
    return fmq_static_encoder_sink(encoder_of(writer), levels, count, taken);
}

static size_t poll(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    return fmq_static_encoder_poll(encoder_of(writer), out, capacity);
}

static bool is_done(const fmq_stream_writer_t *writer)
{
    return fmq_static_encoder_is_done(encoder_of(writer));
}

const fmq_encoding_t fmq_static_encoding = {
    FMQ_CODING_STATIC, true, work_size, start_survey, survey, begin, sink, poll, is_done,
};

static fmq_status_t start(fmq_stream_reader_t *reader, const fmq_tensor_t *tensor)
{
    if (reader->work_size < STATE_ROOM) {
        return FMQ_ERROR_BUFFER;
    }
    return fmq_static_decoder_start(decoder_of(reader), tensor,
                                    (uint8_t *)reader->work + STATE_ROOM,
                                    reader->work_size - STATE_ROOM);
}

static fmq_status_t read(fmq_stream_reader_t *reader, const uint8_t *end, void *levels,
                         size_t count, size_t *polled)
{
    return fmq_static_decoder_poll(decoder_of(reader), &reader->next, end, reader->is_last,
                                   levels, count, polled);
}

const fmq_decoding_t fmq_static_decoding = {FMQ_CODING_STATIC, start, read};
