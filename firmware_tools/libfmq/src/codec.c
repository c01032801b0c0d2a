#include "fmq/codec.h"

#include "fmq/coding.h"
#include "fmq/crc32.h"
#include "fmq/dense.h"

#include "bitstream_window.h"

#define ALIGNMENT 8u
#define CRC_SIZE 4u
#define CONSTANT_SIZE 3u /* the most that a constant takes */

typedef char stream_state_has_room[sizeof(fmq_stream_writer_t) + ALIGNMENT <= FMQ_STATE_SIZE &&
                                           sizeof(fmq_stream_reader_t) + ALIGNMENT <= FMQ_STATE_SIZE
                                       ? 1
                                       : -1];

size_t fmq_work_size(const fmq_tensor_t *tensor)
{
    const fmq_encoding_t *const encoding = fmq_encodings[tensor->profile];
    const size_t size = FMQ_STATE_SIZE + (encoding != NULL ? encoding->work_size(tensor) : 0u);
    const size_t with_tree = FMQ_STATE_SIZE + FMQ_TREE_WORK_SIZE;

    return fmq_has_dynamic_classes(tensor) && tensor->partition->kind == FMQ_PARTITION_BLOCK &&
                   size < with_tree
               ? with_tree
               : size;
}

size_t fmq_stream_limit(const fmq_deployment_t *deployment)
{
    size_t size = (size_t)deployment->preamble_size + CRC_SIZE;
    uint32_t index;

    for (index = 0u; index < deployment->tensor_count; index++) {
        const fmq_tensor_t *const tensor = &deployment->tensors[index];
        const uint32_t packed = fmq_packed_size(tensor);

        size += tensor->header_size;
        if (tensor->dense != NULL) {
            size += tensor->dense->limit;
        } else if (tensor->count != 0u) {
            size += 1u + (packed > CONSTANT_SIZE ? packed : CONSTANT_SIZE);
            size += fmq_has_dynamic_classes(tensor) ? fmq_class_map_limit(tensor) : 0u;
        }
    }
    return size;
}

/* The state's place in the work memory, where it is aligned; NULL if there is no room. */
static void *state_in(void *work, size_t work_size)
{
    if (work_size < FMQ_STATE_SIZE) {
        return NULL;
    }
    return (uint8_t *)work + (-(uintptr_t)work & (ALIGNMENT - 1u));
}

/* ---- encoding ---- */

/* A tensor that is written into `out`: what is there, and what may be. */
typedef struct output {
    uint8_t *out;
    size_t size, capacity;
} output_t;

static bool are_equal(const fmq_tensor_t *tensor, const void *levels)
{
    const uint16_t *const wide = (const uint16_t *)levels;
    const uint8_t *const narrow = (const uint8_t *)levels;
    uint32_t index;

    for (index = 1u; index < tensor->count; index++) {
        if (tensor->bit_depth > 8u ? wide[index] != wide[0] : narrow[index] != narrow[0]) {
            return false;
        }
    }
    return true;
}

/*
 * Writes the tensor that comes next, up to `limit` bytes of output in all.
 * FMQ_ERROR_BUFFER: it takes more.
 */
static fmq_status_t write_tensor(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor,
                                 fmq_coding_t coding, const void *levels, output_t *output,
                                 size_t limit)
{
    const uint32_t level_size = tensor->bit_depth > 8u ? 2u : 1u;
    const uint8_t *next = (const uint8_t *)levels;
    uint32_t left = tensor->count;
    fmq_status_t status = fmq_stream_writer_begin(writer, coding);

    while (status == FMQ_OK && fmq_stream_writer_is_busy(writer)) {
        size_t taken;
        size_t written;

        status = fmq_stream_writer_sink(writer, next, left, &taken);
        next += taken * level_size;
        left -= (uint32_t)taken;
        written = fmq_stream_writer_poll(writer, output->out + output->size,
                                         limit - output->size);
        output->size += written;
        if (status == FMQ_OK && taken == 0u && written == 0u &&
            fmq_stream_writer_is_busy(writer)) {
            status = FMQ_ERROR_BUFFER;
        }
    }
    return status;
}

/* Codes by the tensor's profile; what that needs beforehand is done. */
static fmq_status_t write_coded(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor,
                                const void *levels, output_t *output, size_t limit)
{
    const fmq_encoding_t *const encoding = fmq_encodings[tensor->profile];
    fmq_status_t status = FMQ_OK;

    writer->whole = levels;
    if (encoding->needs_survey) {
        status = fmq_stream_writer_survey(writer, levels, tensor->count);
    }
    if (status == FMQ_OK) {
        status = write_tensor(writer, tensor, (fmq_coding_t)encoding->coding, levels, output,
                              limit);
    }
    return status;
}

/*
 * Constant if all levels are equal, else by its profile if that takes fewer bytes, else packed; by
 * a dense plan always.
 */
static fmq_status_t encode_tensor(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor,
                                  const void *levels, size_t prefix, output_t *output)
{
    const size_t begin = output->size;
    const size_t room = output->capacity - begin;
    const size_t shorter = prefix + fmq_packed_size(tensor); /* with its coding byte, less one */
    fmq_status_t status;

    if (tensor->dense != NULL) {
        return write_coded(writer, tensor, levels, output, output->capacity);
    }
    if (are_equal(tensor, levels)) {
        return write_tensor(writer, tensor, FMQ_CODING_CONSTANT, levels, output,
                            output->capacity);
    }
    status = write_coded(writer, tensor, levels, output, begin + (shorter < room ? shorter : room));
    if (status == FMQ_ERROR_BUFFER) {
        output->size = begin;
        status = write_tensor(writer, tensor, FMQ_CODING_PACKED, levels, output,
                              output->capacity);
    }
    return status;
}

fmq_status_t fmq_encode(const fmq_deployment_t *deployment, const void *const *levels,
                        void *work, size_t work_size, uint8_t *out, size_t capacity,
                        size_t *size)
{
    fmq_stream_writer_t *const writer = (fmq_stream_writer_t *)state_in(work, work_size);
    output_t output = {out, 0u, capacity};
    size_t prefix = deployment->preamble_size;
    fmq_status_t status = FMQ_OK;
    uint32_t index;

    *size = 0u;
    if (writer == NULL) {
        return FMQ_ERROR_BUFFER;
    }
    fmq_stream_writer_start(writer, deployment, (uint8_t *)work + FMQ_STATE_SIZE,
                            work_size - FMQ_STATE_SIZE);
    for (index = 0u; index < deployment->tensor_count && status == FMQ_OK; index++) {
        const fmq_tensor_t *const tensor = &deployment->tensors[index];

        if (fmq_encodings[tensor->profile] == NULL) {
            return FMQ_ERROR_UNSUPPORTED;
        }
        if (work_size < fmq_work_size(tensor)) {
            return FMQ_ERROR_BUFFER;
        }
        prefix += tensor->header_size;
        if (fmq_has_dynamic_classes(tensor)) {
            prefix += fmq_class_map_size(tensor, writer->entropy.model.contexts);
        }
        status = encode_tensor(writer, tensor, levels[index], prefix, &output);
        prefix = 0u;
    }
    if (status == FMQ_OK) {
        output.size += fmq_stream_writer_poll(writer, out + output.size, capacity - output.size);
        status = fmq_stream_writer_is_done(writer) ? FMQ_OK : FMQ_ERROR_BUFFER;
    }
    if (status == FMQ_OK) {
        *size = output.size;
    }
    return status;
}

/* ---- decoding ---- */

static fmq_status_t decode_tensor(fmq_stream_reader_t *reader, const fmq_tensor_t *tensor,
                                  void *levels)
{
    size_t polled;
    fmq_status_t status = FMQ_OK;

    if (tensor->count != 0u) {
        status = fmq_stream_reader_poll(reader, levels, tensor->count, &polled);
        if (status == FMQ_OK && polled != tensor->count) {
            status = FMQ_ERROR_TRUNCATED;
        }
    }
    return status;
}

fmq_status_t fmq_decode(const fmq_deployment_t *deployment, const uint8_t *data,
                        size_t data_size, void *const *levels, void *work, size_t work_size)
{
    fmq_stream_reader_t *const reader = (fmq_stream_reader_t *)state_in(work, work_size);
    const uint32_t crc = fmq_crc32(0u, data, data_size);
    fmq_status_t status = FMQ_OK;
    uint32_t index;
    size_t polled;

    if (data_size < CRC_SIZE) {
        return FMQ_ERROR_TRUNCATED;
    }
    if (crc != FMQ_CRC32_RESIDUE) {
        return FMQ_ERROR_CHECKSUM;
    }
    if (reader == NULL) {
        return FMQ_ERROR_BUFFER;
    }
    fmq_stream_reader_start(reader, deployment, (uint8_t *)work + FMQ_STATE_SIZE,
                            work_size - FMQ_STATE_SIZE);
    fmq_stream_reader_open(reader, data, data_size, crc);
    for (index = 0u; index < deployment->tensor_count && status == FMQ_OK; index++) {
        status = decode_tensor(reader, &deployment->tensors[index], levels[index]);
    }
    if (status == FMQ_OK) {
        status = fmq_stream_reader_poll(reader, NULL, 0u, &polled);
    }
    return status;
}
