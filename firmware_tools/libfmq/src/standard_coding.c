/* The standard profile's coding of levels, as writers and readers call it. */
#include "fmq/coding.h"

static size_t work_size(const fmq_tensor_t *tensor)
{
    return FMQ_LEVEL_WORK_SIZE((size_t)tensor->columns, (size_t)tensor->channels);
}

static fmq_status_t begin(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    return fmq_level_encoder_start(&writer->entropy, tensor, writer->work, writer->work_size);
}

static fmq_status_t sink(fmq_stream_writer_t *writer, const void *levels, size_t count,
                         size_t *taken)
{
    return fmq_level_encoder_sink(&writer->entropy, levels, count, taken);
}

static size_t poll(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    return fmq_level_encoder_poll(&writer->entropy, out, capacity);
}

static bool is_done(const fmq_stream_writer_t *writer)
{
    return fmq_level_encoder_is_done(&writer->entropy);
}

/* Codes all levels, and only counts the bytes. */
static fmq_status_t survey(fmq_stream_writer_t *writer, const void *levels, size_t count)
{
    const uint32_t level_size = writer->entropy.model.bit_depth > 8u ? 2u : 1u;
    const uint8_t *next = (const uint8_t *)levels;
    fmq_status_t status = FMQ_OK;

    while (count != 0u && status == FMQ_OK) {
        size_t taken;

        status = fmq_level_encoder_sink(&writer->entropy, next, count, &taken);
        writer->survey_size += (uint32_t)fmq_range_encoder_discard(&writer->entropy.coder);
        count -= taken;
        next += taken * level_size;
    }
    return status;
}

const fmq_encoding_t fmq_standard_encoding = {
    FMQ_CODING_ENTROPY, false, work_size, begin, survey, begin, sink, poll, is_done,
};

static fmq_status_t start(fmq_stream_reader_t *reader, const fmq_tensor_t *tensor)
{
    return fmq_level_decoder_start(&reader->entropy, tensor, reader->work, reader->work_size);
}

static fmq_status_t read(fmq_stream_reader_t *reader, const uint8_t *end, void *levels,
                         size_t count, size_t *polled)
{
    return fmq_level_decoder_poll(&reader->entropy, &reader->next, end, reader->is_last, levels,
                                  count, polled);
}

const fmq_decoding_t fmq_standard_decoding = {FMQ_CODING_ENTROPY, start, read};
