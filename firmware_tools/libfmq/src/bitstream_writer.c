/* One tensor after the other: header, coding, payload; then the CRC-32. */
#include "fmq/bitstream.h"

#include "fmq/coding.h"
#include "fmq/crc32.h"

#include "memory.h"

/* What is drained next. */
enum {
    STAGE_IDLE,     /* a tensor must be begun */
    STAGE_PREAMBLE, /* then the header, if it is the first tensor's */
    STAGE_HEADER,
    STAGE_CLASSES, /* a class map that comes with each map */
    STAGE_PAYLOAD, /* with the small bytes before it */
    STAGE_CRC,
    STAGE_DONE
};

static const fmq_tensor_t *current(const fmq_stream_writer_t *writer)
{
    return &writer->deployment->tensors[writer->tensor];
}

static const fmq_encoding_t *encoding_of(const fmq_stream_writer_t *writer)
{
    return fmq_encodings[current(writer)->profile];
}

static uint32_t level_at(const fmq_tensor_t *tensor, const void *levels, size_t index)
{
    return tensor->bit_depth > 8u ? ((const uint16_t *)levels)[index]
                                  : ((const uint8_t *)levels)[index];
}

/* How many levels at the start of `levels` equal `level`. */
static size_t count_equal(const fmq_tensor_t *tensor, const void *levels, size_t count,
                          uint32_t level)
{
    size_t index = 0u;

    while (index < count && level_at(tensor, levels, index) == level) {
        index++;
    }
    return index;
}

static void put_small(fmq_stream_writer_t *writer, uint32_t byte)
{
    writer->small[writer->small_size++] = (uint8_t)byte;
}

static void put_varint(fmq_stream_writer_t *writer, uint32_t value)
{
    for (; value >= 0x80u; value >>= 7) {
        put_small(writer, value | 0x80u);
    }
    put_small(writer, value);
}

void fmq_stream_writer_start(fmq_stream_writer_t *writer, const fmq_deployment_t *deployment,
                             void *work, size_t work_size)
{
    memset(writer, 0, sizeof *writer);
    writer->deployment = deployment;
    writer->work = work;
    writer->work_size = work_size;
    writer->stage = STAGE_IDLE;
}

/* Whether the tensor begun is neither constant nor packed. */
static bool is_coded(const fmq_stream_writer_t *writer)
{
    return writer->coding != FMQ_CODING_CONSTANT && writer->coding != FMQ_CODING_PACKED;
}

/* ---- survey ---- */

static fmq_status_t start_survey(fmq_stream_writer_t *writer)
{
    const fmq_tensor_t *const tensor = current(writer);
    const fmq_encoding_t *const encoding = encoding_of(writer);
    const fmq_status_t status =
        encoding != NULL ? encoding->start_survey(writer, tensor) : FMQ_ERROR_UNSUPPORTED;

    writer->is_surveying = status == FMQ_OK;
    writer->is_constant = true;
    writer->survey_size = 0u;
    writer->survey_left = tensor->count;
    return status;
}

fmq_status_t fmq_stream_writer_survey(fmq_stream_writer_t *writer, const void *levels,
                                      size_t count)
{
    const fmq_tensor_t *const tensor = current(writer);
    fmq_status_t status = FMQ_OK;

    if (count == 0u) {
        return FMQ_OK;
    }
    if (writer->stage != STAGE_IDLE || count > tensor->count) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (!writer->is_surveying) {
        status = start_survey(writer);
        writer->level = (uint16_t)level_at(tensor, levels, 0u);
    }
    if (count > writer->survey_left) {
        status = FMQ_ERROR_ARGUMENT;
    }
    if (count_equal(tensor, levels, count, writer->level) != count) {
        writer->is_constant = false;
    }
    if (status == FMQ_OK) {
        status = encoding_of(writer)->survey(writer, levels, count);
    }
    if (status == FMQ_OK) {
        writer->survey_left -= (uint32_t)count;
        writer->is_surveyed = writer->survey_left == 0u;
    }
    return status;
}

fmq_status_t fmq_stream_writer_choice(const fmq_stream_writer_t *writer, fmq_coding_t *coding)
{
    if (!writer->is_surveying || writer->survey_left != 0u) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (writer->is_constant) {
        *coding = FMQ_CODING_CONSTANT;
    } else if (writer->survey_size < fmq_packed_size(current(writer))) {
        *coding = (fmq_coding_t)encoding_of(writer)->coding;
    } else {
        *coding = FMQ_CODING_PACKED;
    }
    return FMQ_OK;
}

/* ---- levels in ---- */

static fmq_status_t begin_classes(fmq_stream_writer_t *writer, const fmq_tensor_t *tensor)
{
    if (tensor->partition->kind == FMQ_PARTITION_BLOCK || !fmq_are_classes(tensor)) {
        return FMQ_ERROR_ARGUMENT;
    }
    fmq_range_encoder_start(&writer->entropy.coder);
    return fmq_class_map_start(&writer->classes, tensor, writer->entropy.model.contexts, NULL,
                               tensor->partition->dynamic);
}

/* Whether the tensor may be coded so now; empty ones by anything. */
static bool may_be(const fmq_stream_writer_t *writer, fmq_coding_t coding)
{
    const fmq_encoding_t *const encoding = encoding_of(writer);

    if (current(writer)->count == 0u) {
        return (unsigned)coding <= FMQ_CODING_DENSE;
    }
    if (coding == FMQ_CODING_PACKED || coding == FMQ_CODING_CONSTANT) {
        return current(writer)->dense == NULL;
    }
    return encoding != NULL && (uint8_t)coding == encoding->coding &&
           (writer->is_surveyed || !encoding->needs_survey);
}

fmq_status_t fmq_stream_writer_begin(fmq_stream_writer_t *writer, fmq_coding_t coding)
{
    const fmq_tensor_t *const tensor = current(writer);
    fmq_status_t status = FMQ_OK;

    if (writer->stage >= STAGE_CRC || !may_be(writer, coding)) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (tensor->count >= FMQ_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    if (writer->stage == STAGE_IDLE) {
        writer->tensor_crc = writer->crc;
    }
    writer->crc = writer->tensor_crc;
    writer->stage = writer->tensor == 0u ? STAGE_PREAMBLE : STAGE_HEADER;
    writer->part = writer->tensor == 0u ? writer->deployment->preamble : tensor->header;
    writer->part_left =
        writer->tensor == 0u ? writer->deployment->preamble_size : tensor->header_size;
    writer->coding = (uint8_t)coding;
    writer->constant_left = tensor->count;
    writer->small_begin = 0u;
    writer->small_size = 0u;
    writer->is_surveying = false;
    if (tensor->count != 0u) {
        put_small(writer, writer->coding);
        fmq_packer_start(&writer->packer, tensor);
        if (is_coded(writer)) {
            status = encoding_of(writer)->begin(writer, tensor);
        }
        if (status == FMQ_OK && fmq_has_dynamic_classes(tensor)) {
            status = begin_classes(writer, tensor);
        }
    }
    return status;
}

static fmq_status_t sink_constant(fmq_stream_writer_t *writer, const void *levels, size_t count)
{
    const fmq_tensor_t *const tensor = current(writer);

    if (count > writer->constant_left) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (writer->constant_left == tensor->count) {
        writer->level = (uint16_t)level_at(tensor, levels, 0u);
        if (writer->level > FMQ_MAXIMUM_LEVEL(tensor->bit_depth)) {
            return FMQ_ERROR_ARGUMENT;
        }
        put_varint(writer, writer->level);
    }
    if (count_equal(tensor, levels, count, writer->level) != count) {
        return FMQ_ERROR_ARGUMENT;
    }
    writer->constant_left -= (uint32_t)count;
    return FMQ_OK;
}

fmq_status_t fmq_stream_writer_sink(fmq_stream_writer_t *writer, const void *levels,
                                    size_t count, size_t *taken)
{
    *taken = 0u;
    if (count == 0u) {
        return FMQ_OK;
    }
    if (!fmq_stream_writer_is_busy(writer)) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (writer->coding == FMQ_CODING_CONSTANT) {
        const fmq_status_t status = sink_constant(writer, levels, count);

        *taken = status == FMQ_OK ? count : 0u;
        return status;
    }
    if (writer->coding == FMQ_CODING_PACKED) {
        return fmq_packer_sink(&writer->packer, levels, count, taken);
    }
    if (writer->stage != STAGE_PAYLOAD && fmq_has_dynamic_classes(current(writer))) {
        return FMQ_OK; /* the class map must be drained first */
    }
    return encoding_of(writer)->sink(writer, levels, count, taken);
}

/* ---- bytes out ---- */

static size_t drain(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity)
{
    const size_t count = size < capacity ? size : capacity;

    memcpy(out, bytes, count);
    return count;
}

static size_t drain_part(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    const size_t count = drain(writer->part, writer->part_left, out, capacity);

    writer->part += count;
    writer->part_left -= (uint32_t)count;
    if (writer->part_left == 0u) {
        writer->part = current(writer)->header;
        writer->part_left = current(writer)->header_size;
        writer->stage++;
    }
    return count;
}

static size_t drain_classes(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    fmq_range_encoder_t *const coder = &writer->entropy.coder;
    size_t written = 0u;

    if (fmq_has_dynamic_classes(current(writer))) {
        do {
            (void)fmq_class_map_encode(&writer->classes, coder); /* the classes were checked */
            written += fmq_range_encoder_poll(coder, out + written, capacity - written);
        } while (!fmq_class_map_is_done(&writer->classes) && written != capacity);
        if (!fmq_class_map_is_done(&writer->classes) || !fmq_range_encoder_is_empty(coder)) {
            return written;
        }
        if (writer->coding == FMQ_CODING_ENTROPY) {
            /* as when the tensor was begun, with contexts that the class map has not used */
            (void)encoding_of(writer)->begin(writer, current(writer));
        }
    }
    writer->stage = STAGE_PAYLOAD;
    return written;
}

static size_t drain_small(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    const size_t count = drain(writer->small + writer->small_begin,
                               (size_t)writer->small_size - writer->small_begin, out, capacity);

    writer->small_begin = (uint8_t)(writer->small_begin + count);
    return count;
}

static bool is_payload_done(const fmq_stream_writer_t *writer)
{
    if (writer->small_begin != writer->small_size) {
        return false;
    }
    if (current(writer)->count == 0u) {
        return true;
    }
    if (writer->coding == FMQ_CODING_CONSTANT) {
        return writer->constant_left == 0u;
    }
    return writer->coding == FMQ_CODING_PACKED ? fmq_packer_is_done(&writer->packer)
                                               : encoding_of(writer)->is_done(writer);
}

static void end_tensor(fmq_stream_writer_t *writer)
{
    uint32_t shift;

    writer->stage = STAGE_IDLE;
    writer->is_surveyed = false;
    writer->whole = NULL;
    if (writer->tensor + 1u < writer->deployment->tensor_count) {
        writer->tensor++;
        return;
    }
    writer->stage = STAGE_CRC;
    writer->small_begin = 0u;
    writer->small_size = 0u;
    for (shift = 0u; shift < 32u; shift += 8u) {
        put_small(writer, writer->crc >> shift);
    }
}

static size_t drain_payload(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    size_t count = drain_small(writer, out, capacity);

    if (writer->small_begin == writer->small_size && current(writer)->count != 0u) {
        if (writer->coding == FMQ_CODING_PACKED) {
            count += fmq_packer_poll(&writer->packer, out + count, capacity - count);
        } else if (is_coded(writer)) {
            count += encoding_of(writer)->poll(writer, out + count, capacity - count);
        }
    }
    return count;
}

size_t fmq_stream_writer_poll(fmq_stream_writer_t *writer, uint8_t *out, size_t capacity)
{
    size_t written = 0u;

    while (writer->stage == STAGE_PREAMBLE || writer->stage == STAGE_HEADER) {
        written += drain_part(writer, out + written, capacity - written);
        if (written == capacity) {
            break;
        }
    }
    if (writer->stage == STAGE_CLASSES) {
        written += drain_classes(writer, out + written, capacity - written);
    }
    if (writer->stage == STAGE_PAYLOAD) {
        written += drain_payload(writer, out + written, capacity - written);
    }
    if (writer->stage != STAGE_CRC) {
        writer->crc = fmq_crc32(writer->crc, out, written);
    }
    if (writer->stage == STAGE_PAYLOAD && is_payload_done(writer)) {
        end_tensor(writer);
    }
    if (writer->stage == STAGE_CRC) {
        written += drain_small(writer, out + written, capacity - written);
        if (writer->small_begin == writer->small_size) {
            writer->stage = STAGE_DONE;
        }
    }
    return written;
}

bool fmq_stream_writer_is_busy(const fmq_stream_writer_t *writer)
{
    return writer->stage >= STAGE_PREAMBLE && writer->stage <= STAGE_PAYLOAD;
}

bool fmq_stream_writer_is_done(const fmq_stream_writer_t *writer)
{
    return writer->stage == STAGE_DONE;
}
