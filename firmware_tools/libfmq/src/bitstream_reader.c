/* The mirror of bitstream_writer.c: reads the bitstreams of one deployment. */
#include "fmq/bitstream.h"

#include "fmq/coding.h"
#include "fmq/crc32.h"

#include "bitstream_window.h"

#include "memory.h"

/* What is read next. */
enum {
    STAGE_PREAMBLE,
    STAGE_HEADER,
    STAGE_CLASSES, /* a class map that comes with each map */
    STAGE_CODING,
    STAGE_CONSTANT, /* the level of a constant tensor */
    STAGE_LEVELS,
    STAGE_CRC,
    STAGE_DONE
};

#define CRC_SIZE 4u
/* The payload's decoder may give back two bytes that it read. */
#define KEPT 2u

static const fmq_tensor_t *current(const fmq_stream_reader_t *reader)
{
    return &reader->deployment->tensors[reader->tensor];
}

void fmq_stream_reader_start(fmq_stream_reader_t *reader, const fmq_deployment_t *deployment,
                             void *work, size_t work_size)
{
    memset(reader, 0, sizeof *reader);
    reader->deployment = deployment;
    reader->work = work;
    reader->work_size = work_size;
    reader->part = deployment->preamble;
    reader->part_left = deployment->preamble_size;
    reader->next = reader->queue;
    reader->end = reader->next;
    reader->crc_left = CRC_SIZE;
    reader->stage = STAGE_PREAMBLE;
}

void fmq_stream_reader_open(fmq_stream_reader_t *reader, const uint8_t *data, size_t size,
                            uint32_t crc)
{
    reader->next = data;
    reader->end = data + size - CRC_SIZE; /* no payload may take the CRC-32 for its own */
    reader->crc_left = 0u;
    reader->crc = crc;
    reader->is_last = true;
}

/* ---- bytes in ---- */

size_t fmq_stream_reader_sink(fmq_stream_reader_t *reader, const uint8_t *data, size_t size)
{
    const size_t read = (size_t)(reader->next - reader->queue);
    const size_t kept = read < KEPT ? read : KEPT;
    const uint8_t *from = reader->next - kept;
    uint8_t *to = reader->queue;
    size_t room;

    while (from != reader->end) {
        *to++ = *from++;
    }
    room = (size_t)(reader->queue + FMQ_READER_BYTES - to);
    if (size > room) {
        size = room;
    }
    memcpy(to, data, size);
    reader->next = reader->queue + kept;
    reader->end = to + size;
    reader->crc = fmq_crc32(reader->crc, data, size);
    return size;
}

void fmq_stream_reader_end(fmq_stream_reader_t *reader)
{
    reader->is_last = true;
}

static size_t available(const fmq_stream_reader_t *reader)
{
    return (size_t)(reader->end - reader->next);
}

/* A range decoder looks two bytes ahead: never at the CRC-32, or pieces of a stream that no
 * encoder makes could give other levels than the whole. */
static const uint8_t *coded_end(const fmq_stream_reader_t *reader)
{
    return available(reader) < reader->crc_left ? reader->next : reader->end - reader->crc_left;
}

/* ---- one step of the syntax each; none may wait for bytes when no more will come ---- */

static fmq_status_t starve(const fmq_stream_reader_t *reader)
{
    return reader->is_last ? FMQ_ERROR_TRUNCATED : FMQ_OK;
}

static void begin_header(fmq_stream_reader_t *reader)
{
    reader->part = current(reader)->header;
    reader->part_left = current(reader)->header_size;
    reader->left = current(reader)->count;
    reader->stage = STAGE_HEADER;
}

static void end_tensor(fmq_stream_reader_t *reader)
{
    if (reader->tensor + 1u < reader->deployment->tensor_count) {
        reader->tensor++;
        begin_header(reader);
    } else {
        reader->stage = STAGE_CRC;
    }
}

static fmq_status_t begin_classes(fmq_stream_reader_t *reader)
{
    const fmq_tensor_t *const tensor = current(reader);
    fmq_tree_box_t *boxes = NULL;

    if (tensor->partition->kind == FMQ_PARTITION_BLOCK) {
        if (reader->work_size < FMQ_TREE_WORK_SIZE) {
            return FMQ_ERROR_BUFFER;
        }
        boxes = (fmq_tree_box_t *)(void *)((uint8_t *)reader->work +
                                           (-(uintptr_t)reader->work & 3u));
    }
    reader->stage = STAGE_CLASSES;
    return fmq_class_map_start(&reader->classes, tensor, reader->entropy.model.contexts, boxes,
                               tensor->partition->dynamic);
}

/* Compares what the deployment says with what comes. */
static fmq_status_t read_part(fmq_stream_reader_t *reader)
{
    for (; reader->part_left != 0u; reader->part_left--) {
        if (reader->next == reader->end) {
            return starve(reader);
        }
        if (*reader->next++ != *reader->part++) {
            return FMQ_ERROR_UNSUPPORTED;
        }
    }
    if (reader->stage == STAGE_PREAMBLE) {
        begin_header(reader);
    } else if (reader->left == 0u) {
        end_tensor(reader);
    } else if (fmq_has_dynamic_classes(current(reader))) {
        return begin_classes(reader);
    } else {
        reader->stage = STAGE_CODING;
    }
    return FMQ_OK;
}

static fmq_status_t read_classes(fmq_stream_reader_t *reader)
{
    fmq_status_t status = fmq_class_map_decode(&reader->classes, &reader->entropy.coder,
                                               &reader->next, coded_end(reader), reader->is_last);

    if (status != FMQ_OK) {
        return status;
    }
    if (!fmq_class_map_is_done(&reader->classes)) {
        return starve(reader);
    }
    reader->stage = STAGE_CODING;
    return FMQ_OK;
}

static const fmq_decoding_t *decoding_of(const fmq_stream_reader_t *reader)
{
    return fmq_decodings[current(reader)->profile];
}

static fmq_status_t read_coding(fmq_stream_reader_t *reader)
{
    const fmq_decoding_t *const decoding = decoding_of(reader);

    if (reader->next == reader->end) {
        return starve(reader);
    }
    reader->coding = *reader->next++;
    reader->stage = STAGE_LEVELS;
    if (current(reader)->dense != NULL) {
        reader->coding = FMQ_CODING_DENSE; /* its flags and fields are looked at with the levels */
    }
    switch (reader->coding) {
    case FMQ_CODING_PACKED:
        fmq_packer_start(&reader->packer, current(reader));
        return FMQ_OK;
    case FMQ_CODING_CONSTANT:
        reader->stage = STAGE_CONSTANT;
        return FMQ_OK;
    case FMQ_CODING_ENTROPY:
    case FMQ_CODING_STATIC:
    case FMQ_CODING_DENSE:
        return decoding != NULL && decoding->coding == reader->coding
                   ? decoding->start(reader, current(reader))
                   : FMQ_ERROR_UNSUPPORTED;
    default:
        return FMQ_ERROR_SYNTAX;
    }
}

static fmq_status_t read_constant(fmq_stream_reader_t *reader)
{
    uint32_t level;
    const fmq_status_t status = fmq_window_varint(&reader->next, reader->end, &level);

    if (status == FMQ_ERROR_TRUNCATED) {
        return starve(reader);
    }
    if (status != FMQ_OK || level > FMQ_MAXIMUM_LEVEL(current(reader)->bit_depth)) {
        return FMQ_ERROR_SYNTAX;
    }
    reader->level = (uint16_t)level;
    reader->stage = STAGE_LEVELS;
    return FMQ_OK;
}

static void fill_constant(const fmq_stream_reader_t *reader, void *levels, size_t count)
{
    size_t index;

    if (current(reader)->bit_depth <= 8u) {
        memset(levels, reader->level, count);
        return;
    }
    for (index = 0u; index < count; index++) {
        ((uint16_t *)levels)[index] = reader->level;
    }
}

static fmq_status_t read_levels(fmq_stream_reader_t *reader, void *levels, size_t count,
                                size_t *polled)
{
    fmq_status_t status = FMQ_OK;

    if (count > reader->left) {
        count = reader->left;
    }
    if (reader->coding == FMQ_CODING_CONSTANT) {
        fill_constant(reader, levels, count);
        *polled = count;
    } else if (reader->coding == FMQ_CODING_PACKED) {
        status = fmq_packer_unpack(&reader->packer, &reader->next, reader->end, levels, count,
                                   polled);
    } else {
        status = decoding_of(reader)->poll(reader, coded_end(reader), levels, count, polled);
    }
    if (status == FMQ_OK && *polled == 0u && count != 0u) {
        status = starve(reader);
    }
    reader->left -= (uint32_t)*polled;
    if (status == FMQ_OK && reader->left == 0u) {
        end_tensor(reader);
    }
    return status;
}

static fmq_status_t read_crc(fmq_stream_reader_t *reader)
{
    if (available(reader) > reader->crc_left) {
        return FMQ_ERROR_SYNTAX;
    }
    if (!reader->is_last) {
        return FMQ_OK;
    }
    if (available(reader) < reader->crc_left) {
        return FMQ_ERROR_TRUNCATED;
    }
    if (reader->crc != FMQ_CRC32_RESIDUE) {
        return FMQ_ERROR_CHECKSUM;
    }
    reader->stage = STAGE_DONE;
    return FMQ_OK;
}

fmq_status_t fmq_stream_reader_poll(fmq_stream_reader_t *reader, void *levels, size_t count,
                                    size_t *polled)
{
    fmq_status_t status = FMQ_OK;
    uint32_t stage;
    uint32_t tensor;

    *polled = 0u;
    do {
        stage = reader->stage;
        tensor = reader->tensor;
        switch (stage) {
        case STAGE_PREAMBLE:
        case STAGE_HEADER: status = read_part(reader); break;
        case STAGE_CLASSES: status = read_classes(reader); break;
        case STAGE_CODING: status = read_coding(reader); break;
        case STAGE_CONSTANT: status = read_constant(reader); break;
        case STAGE_LEVELS: return read_levels(reader, levels, count, polled);
        case STAGE_CRC: return read_crc(reader);
        default: return FMQ_OK;
        }
    } while (status == FMQ_OK && (stage != reader->stage || tensor != reader->tensor));
    return status;
}

bool fmq_stream_reader_is_done(const fmq_stream_reader_t *reader)
{
    return reader->stage == STAGE_DONE;
}
